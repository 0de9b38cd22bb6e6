import { PassThrough } from 'node:stream';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { FLUSH, linePacket } from '../pkt-line/encode.ts';
import type { Packet } from '../pkt-line/packet.ts';
import { type Advertisement, writeAdvertisement } from '../protocol/advertisement.ts';
import { fittedRequest, parseFetchRequest, writeFetchRequest } from '../protocol/fetch-request.ts';
import type { Connection } from '../transport/connection.ts';
import type { WebHelper } from '../transport/web.ts';
import { AnswerReader, advertisementIn } from './answer-reader.ts';
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
        opened = await open(web);
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

/** Has the line opened; null where canonical does not greet, or not in protocol v2. */
async function open(web: WebHelper): Promise<Opened | null> {
  await write(web.input, Buffer.from('stateless-connect git-upload-pack\n'));
  if ((await readLine(web.output)) !== '') return null;
  const answers = new AnswerReader(web);
  const { bytes, version2 } = await answers.greeting();
  const greeting = version2 ? advertisementIn(bytes) : null;
  return greeting && { greeting, answers };
}

async function passAnswers(answers: AnswerReader, output: PassThrough): Promise<void> {
  for await (const packets of answers.batches()) await write(output, ...packets.map(({ raw }) => raw));
  output.end();
}

// A lone flush is git taking its leave.
function fitted(request: readonly Packet[], now: Advertisement): readonly Packet[] {
  return request.length === 1 ? request : writeFetchRequest(fittedRequest(parseFetchRequest(request), now));
}
