import { ANSWER_LINE, ANSWER_REFS, REQUEST_REFS } from '../git/push-request.ts';
import { gitOutput } from '../git/run.ts';
import type { RefReport, RefUpdate } from '../protocol/proc-receive.ts';
import { adoptGroup } from './adopt-group.ts';
import { performHere } from './arbitrate.ts';
import { isProof, prove } from './proof.ts';
import type { Replica } from './replica.ts';
import { type Answer, parseRequest, writeAnswers } from './request.ts';

const UNPROVEN = 'gam: only members of the group may ask this';

/** The part of a request's ref that proves it, and the rest. */
function parts(ref: string): [proof: string, name: string] {
  const [proof = '', name = ''] = ref.slice(REQUEST_REFS.length).split('/');
  return [proof, name];
}

/**
 * Does what another member asks by a push (git/push-request.ts).
 *
 * @param say prints a line of the answer where git takes it to the other side
 * @returns the report: that all were taken, and under the first of them what was moved
 */
export async function answerRequest(
  replica: Replica,
  updates: readonly RefUpdate[],
  say: (line: string) => void,
): Promise<RefReport[]> {
  const refuse = (refused: string) => updates.map(({ ref }) => ({ ref, refused }));
  const ask = updates.find(({ ref }) => parts(ref)[1] === 'ask');
  const proof = ask === undefined ? '' : parts(ask.ref)[0];
  if (!ask?.new || updates.some(({ ref }) => parts(ref)[0] !== proof)) return refuse(UNPROVEN);
  const text = await gitOutput(['cat-file', 'blob', ask.new], replica.run).catch(() => '');
  if (!isProof(proof, prove(replica.secret, 'request', text))) return refuse(UNPROVEN);
  const request = parseRequest(text);
  if (request === null) return refuse('gam: the request is of another version of gam');
  const answers: Answer[] = [];
  const moved: RefUpdate[] = [];
  for (const operation of request.operations) {
    const performed = await performHere(replica, operation);
    answers.push(performed.answer);
    moved.push(...performed.moved.filter(({ ref }) => !ref.startsWith('refs/gam/')));
    await adoptGroup(replica, performed.moved);
  }
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
