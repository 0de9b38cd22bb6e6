import { GamError } from '../errors.ts';
import { redactText, redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import type { Environment } from './environment.ts';
import { gathered } from './gathered.ts';
import { runPatiently, type Talked } from './patient.ts';
import type { RunOptions } from './run.ts';
import { withSideRefs } from './side-refs.ts';
import { writeText } from './swap-refs.ts';

/** Where members ask each other: no such ref is ever made, a member's proc-receive hook takes it. */
export const REQUEST_REFS = 'refs/gam/request/';
/** Beneath these, the hook reports that it has done what was asked; no such ref is ever made, either. */
export const ANSWER_REFS = 'refs/gam/answer/';
/** Begins the lines of an answer, on the side band. */
export const ANSWER_LINE = 'gam-answer ';

/** Begins a push option that is a request (git-push(1), --push-option). */
export const REQUEST_OPTION = 'gam-request=';
/** A longer one goes as a blob: systems take arguments of some hundred KB, and git options of one packet. */
const LONGEST_OPTION = 32_000;
/** The tree with nothing in it, by the length of object ids; git has it without its being stored. */
export const EMPTY_TREES = new Map([
  ['sha1', '4b825dc642cb6eb9a060e54bf8d69288fbee4904'],
  ['sha256', '6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321'],
]);

/** A request to another repository. */
export interface PushedRequest {
  url: string;
  format: 'sha1' | 'sha256';
  text: string;
  /** Names the request. */
  proof: string;
  /** Go along, with all that they lead to. */
  objects: readonly string[];
}

/** What came back. */
export interface PushedAnswer {
  /** The part of the reported ref's name that is behind ANSWER_REFS. */
  proof: string;
  lines: string[];
}

/** A push takes refs as arguments, and systems take some hundred KB of these; beyond so many they go by a pattern. */
const MOST_ARGUMENTS = 500;

/** Nothing but these refs travels, no hook of this side has a say, and no maintenance runs behind it. */
const PLAINLY = [
  '-c',
  'gc.auto=0',
  '-c',
  'maintenance.auto=false',
  '-c',
  'push.gpgSign=false',
  '-c',
  'push.followTags=false',
  // A gam serve answers these also when users' pushes, which wait for other members, have all of its turns (server/repositories.ts).
  '-c',
  'http.extraHeader=Gam-Member: 1',
  'push',
  '--porcelain',
  '--progress',
  '--no-verify',
  '--no-recurse-submodules',
];

/** Pushes these refs, and nothing but them. */
export function push(args: readonly string[], options: RunOptions, patienceMs: number): Promise<Talked> {
  return runPatiently([...PLAINLY, ...args], options, patienceMs);
}

/** A push of which the other side has got nothing that it could do. */
export class Unsent extends GamError {}

/** What git draws from when it begins the pack: without the whole of that nothing is done over there. */
const PACK_BEGUN = /^(?:Enumerating|Counting|Writing) objects|^remote: /m;

/** What is said of a push that the other side has not even refused. */
export function unreachable(url: string, { stderr, silent }: Talked, patienceMs: number): GamError {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const line = lines.find((one) => /^(?:fatal|error): /.test(one)) ?? lines.at(-1) ?? 'no answer';
  const words = silent
    ? `no answer for ${patienceMs / 1000} s`
    : line.replace(/^(?:fatal|error|remote): /, '');
  const shown = redactUrl(url);
  const Kind = PACK_BEGUN.test(stderr.replaceAll('\r', '\n')) ? GamError : Unsent;
  return new Kind(
    'member-unreachable',
    `${shown} cannot be reached: ${printable(redactText(words.trim()))}`,
    {
      url: shown,
      suggestion: `see git ls-remote ${shown}`,
    },
  );
}

/** What receive-pack says of its hook where that was killed, or could not begin (builtin/receive-pack.c, run_proc_receive_hook). */
const BROKEN_OFF = /proc-receive/;

// The hook may have done what was asked.
function brokenOff(url: string, refusal: string, { stderr }: Talked): GamError {
  const shown = redactUrl(url);
  const words = /^remote: gam: (.*)$/m.exec(stderr)?.[1]?.trim() ?? refusal;
  return new GamError('member-unreachable', `${shown} broke off: ${printable(redactText(words))}`, {
    url: shown,
    suggestion: 'see gam replica status on that server',
  });
}

function readAnswer({ stdout, stderr }: Talked): PushedAnswer | null {
  const reported = stdout.split('\n').find((line) => line.includes(`:${ANSWER_REFS}`));
  if (reported === undefined) return null;
  const at = reported.indexOf(ANSWER_REFS) + ANSWER_REFS.length;
  const proof = reported.slice(at).split('\t')[0] ?? '';
  const prefix = `remote: ${ANSWER_LINE}`;
  // git ends lines of the other side with blanks, over what a counter may have left there.
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.startsWith(prefix));
  return { proof, lines: lines.map((line) => line.slice(prefix.length).trimEnd()) };
}

async function clearAway(url: string, names: readonly string[], options: RunOptions): Promise<void> {
  await push([url, ...names.map((name) => `:${name}`)], options, 10_000).catch(() => undefined);
}

/**
 * Asks another repository something, by a push that its proc-receive hook answers (githooks(5)). Any transport of git's will do.
 *
 * @param patienceMs for so long the other side may be silent
 * @throws GamError `member-unreachable`; `member-refused` where the push is not taken, or nobody answers it
 */
export async function pushRequest(
  { url, format, text, proof, objects }: PushedRequest,
  options: RunOptions,
  patienceMs: number,
): Promise<PushedAnswer> {
  const top = `${REQUEST_REFS}${proof}/`;
  const option = `${REQUEST_OPTION}${Buffer.from(text).toString('base64')}`;
  const isShort = option.length <= LONGEST_OPTION;
  const emptyTree = EMPTY_TREES.get(format) ?? '';
  const ask = isShort ? emptyTree : await writeText(text, options);
  const told = isShort ? [`--push-option=${option}`] : [];
  const tips = await gathered([...new Set(objects)], emptyTree, options);
  const pushed =
    tips.length <= MOST_ARGUMENTS
      ? await push(
          [...told, '--', url, `${ask}:${top}ask`, ...tips.map((oid, n) => `${oid}:${top}${n}`)],
          options,
          patienceMs,
        )
      : await withSideRefs(
          new Map([['refs/new/ask', ask], ...tips.map((oid, n) => [`refs/new/${n}`, oid] as const)]),
          options,
          (env: Environment) =>
            push([...told, '--', url, `refs/new/*:${top}*`], { ...options, env }, patienceMs),
        );
  const answer = readAnswer(pushed);
  if (answer !== null) return answer;
  const shown = redactUrl(url);
  const refusal = /^!\t[^\t]*\t(?:\[[^\]]*\] )?\(?(.*?)\)?$/m.exec(pushed.stdout)?.[1];
  if (refusal !== undefined && BROKEN_OFF.test(refusal)) throw brokenOff(url, refusal, pushed);
  if (refusal !== undefined)
    throw new GamError('member-refused', `${shown} refused: ${printable(redactText(refusal))}`, {
      url: shown,
    });
  const takesNone = /does not support push options/.test(pushed.stderr);
  if (pushed.status !== 0 && !takesNone) throw unreachable(url, pushed, patienceMs);
  // Made as refs: nobody is there who takes them.
  if (!takesNone) await clearAway(url, [`${top}ask`, ...tips.map((_, n) => `${top}${n}`)], options);
  throw new GamError('member-refused', `${shown} is no member of a group: gam's hooks are not there`, {
    url: shown,
    suggestion: 'on that server, run gam replica status, and gam replica reconcile',
  });
}
