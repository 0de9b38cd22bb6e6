import { rm } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { FLUSH, linePacket } from '../pkt-line/encode.ts';
import type { Packet } from '../pkt-line/packet.ts';
import { type Advertisement, writeAdvertisement } from '../protocol/advertisement.ts';
import {
  argumentValues,
  type FetchRequest,
  fittedRequest,
  parseFetchRequest,
  requestedFormat,
  writeFetchRequest,
} from '../protocol/fetch-request.ts';
import type { Connection } from '../transport/connection.ts';
import type { WebHelper } from '../transport/web.ts';
import { AnswerReader, advertisementIn } from './answer-reader.ts';
import { emptyPack, packAnswer } from './completion.ts';
import { readLine, write } from './flow.ts';

/**
 * Canonical's line, opened when the first request is for canonical, and not before: until then its greeting is one that it gave
 * lately. Requests that were worded by that are worded anew where canonical greets otherwise now.
 *
 * @param web git's web helper, which has not been told to open the line
 * @param opening called when it is
 */
export function deferredLine(lately: Advertisement, web: WebHelper, opening: () => void): Connection {
  const output = new PassThrough();
  const input = new PassThrough();
  for (const packet of greetingOf(lately)) output.write(packet.raw);
  // A line that breaks ends there; how its process ends tells why.
  pass(input, output, web, opening)
    .catch(() => undefined)
    .finally(() => output.end());
  const close = () => {
    input.end();
    web.end();
  };
  return { output, input, stateless: true, exit: web.exit, stderr: null, close, leave: () => web.leave() };
}

function greetingOf(advertisement: Advertisement): Packet[] {
  return [...writeAdvertisement(advertisement).map(linePacket), FLUSH];
}

async function pass(
  input: PassThrough,
  output: PassThrough,
  web: WebHelper,
  opening: () => void,
): Promise<void> {
  const decoder = new PacketDecoder();
  let request: Packet[] = [];
  let opened: Opened | null = null;
  let answers: Promise<void> = Promise.resolve();
  for await (const chunk of input) {
    for (const packet of decoder.push(chunk as Buffer)) {
      request.push(packet);
      if (packet.kind !== 'flush') continue;
      if (opened === null) {
        opening();
        const answer = await ask(web);
        if (answer === 'fallback') await fetchOtherwise(parseFetchRequest(request), web, output);
        opened = answer === '' ? await greeted(web) : null;
        // It goes on until its input ends, and whoever waits for its end has nothing more to say.
        if (opened === null) return void web.input.end();
        answers = passAnswers(opened.answers, output);
      }
      await write(web.input, ...fitted(request, opened.greeting).map(({ raw }) => raw));
      request = [];
    }
  }
  web.input.end();
  await answers;
}

/** What comes from canonical once it has greeted. */
interface Opened {
  greeting: Advertisement;
  answers: AnswerReader;
}

/** Has the line opened: nothing is said where it is, `fallback` where canonical has left protocol v2; null at the end. */
async function ask(web: WebHelper): Promise<string | null> {
  await write(web.input, Buffer.from('stateless-connect git-upload-pack\n'));
  return readLine(web.output);
}

/** Takes in how canonical greets; null where it does not. */
async function greeted(web: WebHelper): Promise<Opened | null> {
  const answers = new AnswerReader(web);
  const { bytes, version2 } = await answers.greeting();
  const greeting = version2 ? advertisementIn(bytes) : null;
  return greeting && { greeting, answers };
}

/**
 * Has git's web helper fetch what a request wants, as git has it do where there is no protocol v2 (gitremote-helpers(7),
 * "fetch"), and answers the request with a pack of nothing: for a canonical that has left protocol v2 since it greeted.
 * There is no answer where the web helper ends instead, or more was asked for than objects.
 */
async function fetchOtherwise(request: FetchRequest, web: WebHelper, output: PassThrough): Promise<void> {
  const wants = argumentValues(request, 'want');
  if (wants.length === 0) return;
  await write(web.input, Buffer.from(`${wants.map((oid) => `fetch ${oid} ${oid}\n`).join('')}\n`));
  for (let line = await readLine(web.output); line !== ''; line = await readLine(web.output)) {
    if (line === null) return;
    // A lock keeps a pack until refs lead to it, of which there will be none.
    if (line.startsWith('lock ')) await rm(line.slice('lock '.length), { force: true });
  }
  const format = requestedFormat(request);
  await write(output, ...packAnswer(request, emptyPack(format), true).map(({ raw }) => raw));
  // A blank line is a farewell; it would fail without.
  await write(web.input, Buffer.from('\n'));
}

async function passAnswers(answers: AnswerReader, output: PassThrough): Promise<void> {
  for await (const packets of answers.batches()) await write(output, ...packets.map(({ raw }) => raw));
  output.end();
}

// A lone flush is git taking its leave.
function fitted(request: readonly Packet[], now: Advertisement): readonly Packet[] {
  return request.length === 1 ? request : writeFetchRequest(fittedRequest(parseFetchRequest(request), now));
}
