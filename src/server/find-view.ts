import type { ConfigEntry } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { fetchRefspecs, isPartial } from '../mirror/carried.ts';
import { printable } from '../protocol/text.ts';
import { findRepository } from './find-repository.ts';
import type { Found } from './repositories.ts';
import type { Service } from './service.ts';
import type { Views } from './views.ts';
import { pathOf } from './walk.ts';

/** What stands between the path of a clone and the name of its remote. A folder of a server's own pages is called so, too. */
const BETWEEN = '/-/remotes/';

/** The path at which a clone is served as what one of its remotes is. */
export function viewPath(clone: string, remote: string): string {
  return `${clone === '/' ? '' : clone}${BETWEEN}${remote}`;
}

/** Takes the path of a view apart; null for any other. */
export function parseViewPath(path: string): { clone: string; remote: string } | null {
  const [, clone, remote] = /^(.*?)\/-\/remotes\/(.+)$/.exec(path) ?? [];
  return clone === undefined || remote === undefined ? null : { clone, remote };
}

/** Finds the view of a request. */
export class ViewFinder {
  readonly #root: string;
  readonly #views: Pick<Views, 'open'>;
  readonly #entriesOf: (gitDir: string) => Promise<readonly ConfigEntry[] | null>;

  /**
   * @param root the folder that is served, without symbolic links
   * @param entriesOf the configuration of a repository
   */
  constructor(
    root: string,
    views: Pick<Views, 'open'>,
    entriesOf: (gitDir: string) => Promise<readonly ConfigEntry[] | null>,
  ) {
    this.#root = root;
    this.#views = views;
    this.#entriesOf = entriesOf;
  }

  /** @returns null where the request's path is that of no view */
  async find(service: Service): Promise<Found | null> {
    const named = parseViewPath(service.repository);
    if (named === null) return null;
    const clone = await findRepository(this.#root, { ...service, repository: named.clone });
    if ('refusal' in clone) return clone;
    const { gitDir } = clone;
    const { remote } = named;
    const entries = await this.#entriesOf(gitDir);
    if (entries === null) return BUSY;
    if (fetchRefspecs(entries, remote).length === 0)
      return { refusal: 'no such remote', told: `this clone fetches from no remote '${printable(remote)}'` };
    if (isPartial(entries))
      return { refusal: 'a partial clone', told: 'this clone does not have all objects' };
    if (service.name === 'receive-pack')
      return { status: 403, refusal: 'a push', told: 'this is a clone; push to where it is a clone of' };
    try {
      const greets = service.rest === '/info/refs';
      const view = await this.#views.open({ gitDir, remote, entries }, greets);
      return view === null ? BUSY : { ...view, path: pathOf(this.#root, gitDir) };
    } catch (error) {
      if (!(error instanceof GamError)) throw error;
      return { refusal: error.message, told: 'git cannot serve this clone' };
    }
  }
}

const BUSY: Found = {
  status: 503,
  refusal: 'git could not be asked in time',
  told: 'the server is busy; try again in a moment',
  headers: { 'Retry-After': '10' },
};
