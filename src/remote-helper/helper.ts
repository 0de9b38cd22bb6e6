import { canonicalUrl, remoteName } from '../config/canonical.ts';
import { readSettings } from '../config/settings.ts';
import { readConfig } from '../git/config.ts';
import { KeptClone } from '../git/kept-clone.ts';
import { fetchesMirrorRefs } from '../mirror/staged.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { addressesOf } from '../state/addresses.ts';
import { recallList } from '../state/mirror-lists.ts';
import type { Trace } from '../trace/trace.ts';
import { transportName } from '../transport/allowed.ts';
import { ReadyLine } from '../transport/ready-line.ts';
import { checkCanonical } from './canonical-checks.ts';
import type { CommandLines } from './command-lines.ts';
import { converseByConnect } from './connect.ts';
import type { HelperContext, HelperProcess } from './context.ts';
import type { Hand } from './hand.ts';
import { knownMirrors } from './known-mirrors.ts';
import { mayHaveStaged, sweepLeftovers } from './leftovers.ts';
import { placeFinder } from './place.ts';
import type { Report } from './report.ts';
import { mayAsk } from './server-list.ts';
import { converseByWebHelper } from './web.ts';

/** What main/ hands in beside the process. */
export interface HelperTools {
  lines: CommandLines;
  reply: (text: string) => void;
  report: Report;
  trace: Trace;
  hand: Hand;
}

/** How git names a helper's task: `git-remote-mirror <remote> <url>` (gitremote-helpers(7), "INVOCATION"). */
export interface Invocation {
  remote: string;
  url: string;
}

/** What `gam clone` has told in the environment. */
function keptClone({ env }: HelperProcess, url: string): KeptClone | null {
  const { GAM_KEPT_CLONES: root, GAM_KEPT_BY: owner } = env;
  return root === undefined || owner === undefined ? null : new KeptClone(root, url, owner);
}

/**
 * Runs the remote helper from git's first command to its last.
 * @returns the exit status: canonical's
 * @throws GamError when canonical cannot even be tried
 */
export async function runHelper(
  invocation: Invocation,
  own: HelperProcess,
  tools: HelperTools,
): Promise<number> {
  const disabled = !['', '0'].includes(own.env['GAM_DISABLE'] ?? '');
  const remote = remoteName(invocation.remote, invocation.url);
  const entries = await readConfig({ env: own.env, cwd: own.cwd });
  const url = canonicalUrl(entries, remote, invocation.url);
  const canonical = parseGitUrl(url);
  const concern = checkCanonical({ url, parsed: canonical, entries, env: own.env, cwd: own.cwd });
  if (concern !== null) tools.report.warning(concern);
  const { settings, warnings } = readSettings(entries);
  const listed = disabled ? null : recallList(url, own.env, 'server');
  const published = disabled ? null : recallList(url, own.env, 'published');
  const addresses = addressesOf(url, own.env);
  const asked = { entries, settings, remote, canonicalUrl: url, env: own.env, addresses };
  const mirrors = disabled ? [] : knownMirrors(asked, listed, published);
  if (!disabled) for (const warning of warnings) tools.report.line(warning);
  tools.trace('start', { transport: transportName(canonical), mirrors: mirrors.length });
  const foreign = fetchesMirrorRefs(entries);
  const left =
    disabled || settings.sweep === 'never' || foreign ? Promise.resolve(0) : sweepLeftovers(own, tools.trace);
  const context: HelperContext = {
    process: own,
    remote,
    canonical,
    canonicalUrl: url,
    entries,
    settings,
    mirrors,
    listed,
    published,
    addresses,
    mayList: !disabled && mayAsk({ process: own, settings, canonicalUrl: url }),
    left,
    staged: mayHaveStaged(own),
    fetchesMirrorRefs: foreign,
    progress: false,
    asked: 0,
    place: placeFinder(own.env, own.cwd),
    ready: new ReadyLine(own.interrupt.signal),
    notes: [],
    departures: new Map(),
    cuts: false,
    cutsOtherwise: false,
    deferred: false,
    ahead: null,
    kept: keptClone(own, url),
    ...tools,
  };
  const status =
    canonical.kind === 'web'
      ? await converseByWebHelper(context, canonical)
      : await converseByConnect(context);
  await left;
  tools.trace('end', { status });
  return status;
}
