import { randomBytes } from 'node:crypto';
import type { Exchange } from '../exchange.ts';
import type { GroupWatch } from '../group-watch.ts';
import type { FoundLists } from './find-lists.ts';
import { shownList } from './gather.ts';
import { shownGroup } from './gather-group.ts';
import { LOOK_EVERY, Lookout } from './lookout.ts';
import { renderJson, renderPage } from './page.ts';
import type { PageSource } from './source.ts';
import type { Status, Totals } from './status.ts';
import { Tally } from './tally.ts';

/** What the page tells of, and how it learns that. */
export interface PageParts {
  source: PageSource;
  /** Null where repositories cannot be members of groups. Ended with the page. */
  groups: GroupWatch | null;
  version: string;
  git: string | null;
  totals: () => Promise<Totals>;
  /** Whether mirrors are looked at also while nobody looks at the page. */
  checkMirrors: boolean;
  warn: (line: string) => void;
}

/** What was found under the root is looked for again after so many milliseconds. */
const FOUND_FOR = 5000;

// No script and no style but the page's own, nothing from elsewhere, in nobody's frame (CSP Level 3). The icon is an empty one,
// so that browsers do not ask for /favicon.ico.
function policy(nonce: string): string {
  const own = [
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
  ];
  return [
    "default-src 'none'",
    ...own,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

const SAFE = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/** Where the page is. A server upstream may have pages of its own under `/-/`, as GitLab does. */
const PATHS = { folder: '/-/', cache: '/-/', upstream: '/-/gam/' } as const;

/** The page at `/-/`, or before another server at `/-/gam/`, and the same as JSON at `status.json` beside it. */
export class SitePage {
  readonly #parts: PageParts;
  readonly #startedAt = new Date().toISOString();
  readonly #tally = new Tally();
  readonly #lookout: Lookout;
  readonly #stopping = new AbortController();
  readonly #timer: NodeJS.Timeout | null = null;
  #found: { at: number; lists: Promise<FoundLists> } | null = null;

  constructor(parts: PageParts) {
    const { source, warn } = parts;
    this.#parts = parts;
    this.#lookout = new Lookout(source.look, warn);
    if (!parts.checkMirrors) return;
    void this.#watch();
    this.#timer = setInterval(() => void this.#watch(), LOOK_EVERY);
  }

  /** Answers a request if it is one for the page. The caller has seen to logins. */
  async answer(exchange: Exchange): Promise<boolean> {
    const { method = '', url = '' } = exchange.request;
    const [path = ''] = url.split('?', 1);
    const at = PATHS[this.#parts.source.kind];
    const bare = at.slice(0, -1);
    if (![bare, at, `${at}status.json`].includes(path)) return false;
    exchange.service = 'page';
    if (method !== 'GET' && method !== 'HEAD') {
      exchange.refuse(405, 'only by GET, HEAD', null, { Allow: 'GET, HEAD', ...SAFE });
      return true;
    }
    // Relative, since a proxy may have the server below a path.
    if (path === bare) exchange.say(308, '', { Location: `${bare.replace(/.*\//, '')}/`, ...SAFE });
    else if (path === at) {
      const nonce = randomBytes(16).toString('base64');
      exchange.say(200, renderPage(await this.#status(), nonce, at === '/-/' ? 'metrics' : '../metrics'), {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': policy(nonce),
        ...SAFE,
      });
    } else {
      const type = { 'Content-Type': 'application/json', 'Content-Security-Policy': "default-src 'none'" };
      exchange.say(200, renderJson(await this.#status()), { ...type, ...SAFE });
    }
    return true;
  }

  /** Counts a request that has ended, if it was answered for a repository. */
  count(exchange: Exchange, status: number): void {
    if (exchange.path === null || status >= 400) return;
    this.#tally.count(exchange.path, exchange);
  }

  /** Ends every look. Resolves when nothing of them is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#parts.source.end();
    if (this.#timer !== null) clearInterval(this.#timer);
    await Promise.allSettled([this.#found?.lists, this.#lookout.stop(), this.#parts.groups?.stop()]);
  }

  // Whoever looks at the same time gets the same.
  #lists(): Promise<FoundLists> {
    const now = Date.now();
    if (this.#found === null || now - this.#found.at >= FOUND_FOR)
      this.#found = { at: now, lists: this.#parts.source.lists() };
    return this.#found.lists;
  }

  async #watch(): Promise<void> {
    const { lists } = await this.#lists();
    if (!this.#stopping.signal.aborted) this.#lookout.watch(lists);
  }

  async #status(): Promise<Status> {
    const { git, groups, source, totals, version } = this.#parts;
    const [{ lists, truncated }, found, watched] = await Promise.all([
      this.#lists(),
      source.copies(),
      groups?.known() ?? [],
    ]);
    if (!this.#stopping.signal.aborted) this.#lookout.watch(lists);
    const now = new Date().toISOString();
    return {
      kind: source.kind,
      server: { version, git, startedAt: this.#startedAt, now, ...(await totals()) },
      lists: lists.map((list) => shownList(list, ({ url }) => this.#lookout.of(list, url))),
      groups: watched.map(shownGroup),
      copies: found?.copies ?? null,
      truncated: truncated || (found?.truncated ?? false),
      repositories: this.#tally.usages,
    };
  }
}
