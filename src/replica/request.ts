import type { RefSwap, StoredRef } from '../git/swap-refs.ts';

/** What is swapped behind a swap that was done: all of it, or none. */
export interface Behind {
  /** The one member that is to do it; null is whichever is asked. */
  at: string | null;
  swaps: readonly RefSwap[];
}

/**
 * Swap all of these refs, or none; the texts are made objects before, for refs to name. What comes behind is done in its order, each
 * whatever becomes of the others.
 */
export interface SwapOperation {
  kind: 'swap';
  swaps: readonly RefSwap[];
  texts?: readonly string[];
  behind?: readonly Behind[];
}

/** What one member asks of another. */
export type Operation =
  | SwapOperation
  /** Tell the refs that begin so. */
  | { kind: 'list'; prefixes: readonly string[] }
  /** Catch up with the group's state. */
  | { kind: 'wake' };

/** How one operation went. */
export type Answer =
  /** Which of what was to come behind was done, too. */
  | { kind: 'done'; behind?: readonly boolean[] }
  /** One of the refs is not what it must be: what they are. */
  | { kind: 'stale'; refs: ReadonlyMap<string, StoredRef> }
  | { kind: 'refs'; refs: ReadonlyMap<string, StoredRef> }
  /** It could not be done: git's words. */
  | { kind: 'failed'; words: string };

/** A request: things to be done in any order, each whatever becomes of the others. */
export interface Request {
  /** The member that asks. */
  from: string;
  /** No two requests are alike. */
  nonce: string;
  operations: readonly Operation[];
}

const FIRST = 'gam-request 1';
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const encode = (text: string) => Buffer.from(text).toString('base64');
const decode = (text: string) => Buffer.from(text, 'base64').toString();

const swapLine = ({ ref, old, new: to }: RefSwap) => `swap ${old ?? '-'} ${to ?? '-'} ${ref}`;

function operationLines(operation: Operation): string[] {
  const begin = `operation ${operation.kind}`;
  if (operation.kind === 'wake') return [begin];
  if (operation.kind === 'list') return [begin, ...operation.prefixes.map((prefix) => `prefix ${prefix}`)];
  const { swaps, texts = [], behind = [] } = operation;
  return [
    begin,
    ...texts.map((text) => `text ${encode(text)}`),
    ...swaps.map(swapLine),
    ...behind.flatMap((one) => [`behind ${one.at ?? '-'}`, ...one.swaps.map(swapLine)]),
  ];
}

/** Writes a request as the text of a blob. */
export function writeRequest({ from, nonce, operations }: Request): string {
  const lines = [FIRST, `from ${from}`, `nonce ${nonce}`, ...operations.flatMap(operationLines)];
  return `${lines.join('\n')}\n`;
}

type Draft = {
  kind: string;
  swaps: RefSwap[];
  texts: string[];
  behind: { at: string | null; swaps: RefSwap[] }[];
  prefixes: string[];
};

function parseSwap(value: string): RefSwap | null {
  const [old = '', to = '', ref = ''] = value.split(' ');
  const isId = (word: string) => word === '-' || OID.test(word);
  if (!isId(old) || !isId(to) || !ref.startsWith('refs/')) return null;
  return { ref, old: old === '-' ? null : old, new: to === '-' ? null : to };
}

// False for a line that cannot be part of an operation.
function addLine(draft: Draft, word: string, value: string): boolean {
  if (draft.kind === 'swap' && word === 'swap') {
    const swap = parseSwap(value);
    if (swap !== null) (draft.behind.at(-1) ?? draft).swaps.push(swap);
    return swap !== null;
  }
  if (draft.kind === 'swap' && word === 'behind')
    draft.behind.push({ at: value === '-' ? null : value, swaps: [] });
  else if (draft.kind === 'swap' && word === 'text') draft.texts.push(decode(value));
  else if (draft.kind === 'list' && word === 'prefix' && value.startsWith('refs/'))
    draft.prefixes.push(value);
  else return false;
  return true;
}

function finish({ kind, swaps, texts, behind, prefixes }: Draft): Operation {
  if (kind === 'swap') return { kind, swaps, texts, behind };
  return kind === 'list' ? { kind, prefixes } : { kind: 'wake' };
}

/**
 * Reads what writeRequest() writes.
 * @returns null for anything else, also where a later version says more than is known here: half of a request is not done
 */
export function parseRequest(text: string): Request | null {
  const lines = text.split('\n');
  if (lines.shift() !== FIRST || lines.pop() !== '') return null;
  const said = new Map<string, string>();
  const drafts: Draft[] = [];
  for (const line of lines) {
    const at = line.indexOf(' ');
    const [word, value] = [line.slice(0, Math.max(at, 0)), line.slice(at + 1)];
    const draft = drafts.at(-1);
    if (word === 'operation' && ['swap', 'list', 'wake'].includes(value))
      drafts.push({ kind: value, swaps: [], texts: [], behind: [], prefixes: [] });
    else if (draft === undefined && ['from', 'nonce'].includes(word)) said.set(word, value);
    else if (draft === undefined || !addLine(draft, word, value)) return null;
  }
  const [from, nonce] = [said.get('from'), said.get('nonce')];
  if (from === undefined || nonce === undefined) return null;
  return { from, nonce, operations: drafts.map(finish) };
}

function answerLines(answer: Answer): string[] {
  if (answer.kind === 'done')
    return [['done', ...(answer.behind ?? []).map((isDone) => (isDone ? 'too' : 'not'))].join(' ')];
  if (answer.kind === 'failed') return [`failed ${encode(answer.words)}`];
  const refs = [...answer.refs].map(
    ([name, { oid, text }]) => `ref ${oid} ${name}${text === null ? '' : ` ${encode(text)}`}`,
  );
  return [answer.kind, ...refs];
}

/** Writes answers as lines, without line ends. */
export function writeAnswers(answers: readonly Answer[]): string[] {
  return answers.flatMap(answerLines);
}

function doneAnswer(line: string): Answer {
  const [, ...behind] = line.split(' ');
  return behind.length === 0
    ? { kind: 'done' }
    : { kind: 'done', behind: behind.map((word) => word === 'too') };
}

/**
 * Reads what writeAnswers() writes.
 * @returns null for anything else
 */
export function parseAnswers(lines: readonly string[]): Answer[] | null {
  const answers: Answer[] = [];
  let refs: Map<string, StoredRef> | null = null;
  for (const line of lines) {
    const [word, value = '', name = '', text] = line.split(' ');
    if (word === 'ref' && refs !== null && OID.test(value))
      refs.set(name, { oid: value, text: text === undefined ? null : decode(text) });
    else if (word === 'done') answers.push(doneAnswer(line));
    else if (word === 'failed') answers.push({ kind: 'failed', words: decode(value) });
    else if (word === 'stale' || word === 'refs') {
      refs = new Map();
      answers.push({ kind: word, refs });
    } else return null;
    if (word === 'done' || word === 'failed') refs = null;
  }
  return answers;
}
