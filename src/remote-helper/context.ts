import type { ConfigEntry } from '../config/entries.ts';
import type { Settings } from '../config/settings.ts';
import type { Environment } from '../git/environment.ts';
import type { KeptClone } from '../git/kept-clone.ts';
import type { Addresses } from '../mirror/host-mirror.ts';
import type { KeptList } from '../mirror/kept-list.ts';
import type { Observation } from '../mirror/measure.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { GitUrl } from '../protocol/git-url.ts';
import type { Note } from '../state/measures.ts';
import type { Trace } from '../trace/trace.ts';
import type { LeadIn } from '../transport/lead-in.ts';
import type { ReadyLine } from '../transport/ready-line.ts';
import type { WebHelper } from '../transport/web.ts';
import type { CommandLines } from './command-lines.ts';
import type { Hand } from './hand.ts';
import type { FindPlace } from './place.ts';
import type { Report } from './report.ts';
import { FILTER } from './routable.ts';
import type { RouteAhead } from './route-ahead.ts';
import type { GitSide } from './session-events.ts';
import type { StageTools } from './stage-order.ts';

/** The process that a helper runs in; made in main/, the only room that reads process.*. */
export interface HelperProcess {
  env: Environment;
  cwd: string;
  pid: number;
  /** The `git remote-mirror` process that started this one. */
  ppid: number;
  /** Words that start this program again, for the sweeper. */
  self: readonly [string, ...string[]];
  /** git's web helper for what git passed, started on a guess. */
  guess: WebHelper | null;
  /** What the launcher has begun; null where it left all to this program. */
  leadIn: LeadIn | null;
  /** Standard input and output as streams; touched only where no child gets the descriptors. */
  streams(): GitSide;
  /** Aborted by SIGINT, SIGTERM, and when git goes away. */
  interrupt: AbortController;
}

/** Everything one run of the helper knows. */
export interface HelperContext {
  process: HelperProcess;
  /** The remote's name; null when git was given a URL. */
  remote: string | null;
  canonical: GitUrl;
  canonicalUrl: string;
  entries: readonly ConfigEntry[];
  settings: Settings;
  /** Those that are known by now: canonical may name some while git talks to it. */
  mirrors: readonly Mirror[];
  /** What canonical has named lately; null where nothing is remembered. */
  listed: KeptList | null;
  /** What was published there when somebody looked last; null where nothing is remembered. */
  published: KeptList | null;
  /** Where mirrors that are named by their host only have canonical. */
  addresses: Addresses;
  /** Whether canonical may be asked for its list, and looked through for a published one. */
  mayList: boolean;
  /** How many refs of earlier runs are staged still, once the sweep at the start is over. */
  left: Promise<number>;
  /** Whether refs/mirror/* may hold something, which then must not leave with a push. */
  staged: boolean;
  /** True in a mirror clone: refs under refs/mirror/ may be canonical's, and are not gam's to sweep. */
  fetchesMirrorRefs: boolean;
  lines: CommandLines;
  /** Sends text to git and waits until it is written. */
  reply: (text: string) => void;
  report: Report;
  trace: Trace;
  /** The mirror that sends now, which `gam clone` and `gam fetch` may have left. */
  hand: Hand;
  /** Where a clone keeps what has come whole; null where it is not run by `gam clone`. */
  kept: KeptClone | null;
  /** Whether git shows how it gets on. */
  progress: boolean;
  /** When git had canonical's line opened; on performance.now()'s clock. */
  asked: number;
  /** Where objects of mirrors go. */
  place: FindPlace;
  /** A line to a mirror that may soon be needed. */
  ready: ReadyLine;
  /** What was seen of mirrors and of canonical, to be remembered in the end. */
  notes: Note[];
  /** Mirrors that were left, since another is known to be far faster, and that other one. */
  departures: Map<Mirror, Mirror>;
  /** Whether git said that it will cut the history short, or leave objects out. */
  cuts: boolean;
  /** Whether in a way in which no mirror's answer can be checked. */
  cutsOtherwise: boolean;
  /** Whether git has a greeting that canonical gave lately; it has perhaps not been asked in this run. */
  deferred: boolean;
  /** What is prepared for a request before git has written it; null where that does not pay. */
  ahead: RouteAhead | null;
}

/** Options that come with a request which is not for mirrors (gitremote-helpers(7), "OPTIONS"). */
const CUTTING_OPTIONS = new Set(['depth', 'deepen-since', 'deepen-not', 'deepen-relative', 'filter']);

/** What staging works with, in one run of the helper. */
export function stageTools({
  process: { env, pid, interrupt },
  entries,
  settings,
  addresses,
  notes,
  departures,
  place,
  ready,
  report,
  trace,
  hand,
  kept,
}: HelperContext): StageTools {
  const note = (url: string, seen: Observation) => void notes.push({ url, seen });
  const contact = { entries, env, settings, signal: interrupt.signal, note, ready, addresses };
  return { contact, report, trace, pid, place, departures, hand, kept };
}

/** Takes in what an `option` line says, as far as gam acts on it. */
export function noteOption(context: HelperContext, name: string, value: string): void {
  if (name === 'verbosity') context.report.quiet = Number(value) < 1;
  if (name === 'progress') context.progress = value === 'true';
  if (CUTTING_OPTIONS.has(name)) context.cuts = true;
  if (name.startsWith('deepen-') || (name === 'filter' && value !== FILTER)) context.cutsOtherwise = true;
}
