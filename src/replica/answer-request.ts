import { ANSWER_LINE, ANSWER_REFS, REQUEST_OPTION, REQUEST_REFS } from '../git/push-request.ts';
import { gitOutput } from '../git/run.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { RefReport } from '../protocol/proc-receive-report.ts';
import { adoptGroup } from './adopt-group.ts';
import { performHere } from './arbitrate.ts';
import { isProof, prove } from './proof.ts';
import type { Replica } from './replica.ts';
import { parseRequest, writeAnswers } from './request.ts';

const UNPROVEN = 'gam: only members of the group may ask this';

/** The part of a request's ref that proves it, and the rest. */
function parts(ref: string): [proof: string, name: string] {
  const [proof = '', name = ''] = ref.slice(REQUEST_REFS.length).split('/');
  return [proof, name];
}

// A short one comes as a push option, which git need not unpack.
async function requestText({ run }: Replica, oid: string, pushOptions: readonly string[]): Promise<string> {
  const option = pushOptions.find((one) => one.startsWith(REQUEST_OPTION));
  if (option !== undefined) return Buffer.from(option.slice(REQUEST_OPTION.length), 'base64').toString();
  return gitOutput(['cat-file', 'blob', oid], run).catch(() => '');
}

/**
 * Does what another member asks by a push (git/push-request.ts).
 *
 * @param pushOptions of the push
 * @param say prints a line of the answer where git takes it to the other side
 * @returns the report: that all were taken, and under the first of them what was moved
 */
export async function answerRequest(
  replica: Replica,
  updates: readonly RefUpdate[],
  pushOptions: readonly string[],
  say: (line: string) => void,
): Promise<RefReport[]> {
  const refuse = (refused: string) => updates.map(({ ref }) => ({ ref, refused }));
  const ask = updates.find(({ ref }) => parts(ref)[1] === 'ask');
  const proof = ask === undefined ? '' : parts(ask.ref)[0];
  if (!ask?.new || updates.some(({ ref }) => parts(ref)[0] !== proof)) return refuse(UNPROVEN);
  const text = await requestText(replica, ask.new, pushOptions);
  if (!isProof(proof, prove(replica.secret, 'request', text))) return refuse(UNPROVEN);
  const request = parseRequest(text);
  if (request === null) return refuse('gam: the request is of another version of gam');
  // What is asked at one moment was asked by whoever did not wait for the rest of it.
  const performed = await Promise.all(request.operations.map((one) => performHere(replica, one)));
  const answers = performed.map(({ answer }) => answer);
  const changed = performed.flatMap((one) => one.moved);
  const moved = changed.filter(({ ref }) => !ref.startsWith('refs/gam/'));
  await adoptGroup(replica, changed);
  const lines = writeAnswers(answers);
  for (const line of lines) say(`${ANSWER_LINE}${line}`);
  const answer = `${ANSWER_REFS}${prove(replica.secret, 'answer', `${proof}\n${lines.join('\n')}`)}`;
  const instead = [{ ref: answer, old: null, new: ask.new }, ...moved];
  return updates.map((update) => ({
    ref: update.ref,
    refused: null,
    ...(update === ask ? { instead } : {}),
  }));
}
