import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DELIM, dataPacket, FLUSH, linePacket, RESPONSE_END } from '../../../src/pkt-line/encode.ts';
import type { Packet } from '../../../src/pkt-line/packet.ts';
import { Answers } from '../../../src/server/answers.ts';
import { answerCommand, type Capability } from '../../../src/server/capability.ts';
import { type Part, Requests } from '../../../src/server/requests.ts';

const OURS: Capability = { name: 'ours', advertise: () => '', receive: null, command: async () => [FLUSH] };
const FORMAT: Capability = {
  name: 'object-format',
  advertise: () => null,
  receive: () => undefined,
  command: null,
};

function bytes(...packets: readonly Packet[]): Buffer {
  return Buffer.concat(packets.map(({ raw }) => raw));
}

function request(name: string, ...lines: readonly string[]): Buffer {
  return bytes(linePacket(`command=${name}`), DELIM, ...lines.map(linePacket), FLUSH);
}

/** Bytes in chunks of these sizes, again and again. */
function chunked(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, n = 0; at < whole.length; n += 1) {
    const size = sizes[n % sizes.length] ?? whole.length;
    chunks.push(whole.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 });
const packet = fc.oneof(
  fc.constantFrom<Packet>(DELIM, RESPONSE_END),
  fc.uint8Array({ maxLength: 200 }).map((content) => dataPacket(Buffer.from(content))),
);

const GREETING = ['version 2', 'agent=git/2.39.5', 'ls-refs=unborn', 'object-format=sha1'].map(linePacket);

describe('what git sends', () => {
  test('is what the client gets, but for the lines added at the end of the greeting', () => {
    fc.assert(
      fc.property(fc.array(packet), sizes, fc.boolean(), (later, cut, hasServiceLine) => {
        const before = hasServiceLine ? [linePacket('# service=git-upload-pack'), FLUSH] : [];
        const head = bytes(...before, ...GREETING);
        const rest = bytes(FLUSH, ...later, FLUSH);
        const answers = new Answers(['ours', 'theirs=x']);
        const got = chunked(Buffer.concat([head, rest]), cut).flatMap((chunk) => answers.push(chunk));
        const added = bytes(linePacket('ours'), linePacket('theirs=x'));
        expect(Buffer.concat([...got, ...answers.end()])).toEqual(Buffer.concat([head, added, rest]));
      }),
    );
  });

  test('stays as it is, to the byte, where it is no greeting of version 2, or none that ends', () => {
    const greeting = fc.constantFrom(
      bytes(linePacket('version 1'), linePacket(`${'0'.repeat(40)} capabilities^{}`), FLUSH),
      bytes(linePacket('ERR access denied')),
      bytes(...GREETING),
      bytes(linePacket('# service=git-upload-pack'), FLUSH),
      bytes(FLUSH),
      Buffer.alloc(0),
    );
    fc.assert(
      fc.property(greeting, fc.uint8Array(), sizes, (start, rest, cut) => {
        const whole = Buffer.concat([start, Buffer.from('zzzz'), rest]);
        const answers = new Answers(['ours']);
        const got = chunked(whole, cut).flatMap((chunk) => answers.push(chunk));
        expect(Buffer.concat([...got, ...answers.end()])).toEqual(whole);
      }),
    );
  });

  test('tells when all answers have been given', async () => {
    const answers = new Answers(['ours']);
    const order: string[] = [];
    const greeted = answers.allGiven().then((given) => order.push(`greeted ${given}`));
    answers.push(bytes(...GREETING));
    order.push('no flush yet');
    answers.push(bytes(FLUSH));
    await greeted;
    answers.expect(2);
    const given = answers.allGiven().then((all) => order.push(`given ${all}`));
    answers.push(bytes(linePacket('ref'), FLUSH, linePacket('packfile'), DELIM, linePacket('x')));
    await Promise.resolve();
    order.push('one is still to come');
    answers.push(bytes(FLUSH));
    await given;
    expect(order).toEqual(['no flush yet', 'greeted true', 'one is still to come', 'given true']);
    answers.expect(1);
    const never = answers.allGiven();
    answers.end();
    expect(await never).toBe(false);
  });
});

/** What comes out of a client's bytes, chunk by chunk. */
function read(whole: Buffer, cut: readonly number[] = [whole.length]): { parts: Part[]; passed: Buffer } {
  const requests = new Requests([OURS, FORMAT]);
  const parts: Part[] = [];
  for (const chunk of chunked(whole, cut)) {
    parts.push(...requests.push(chunk));
    if (parts.at(-1)?.kind === 'refused') break;
  }
  parts.push({ kind: 'pass', bytes: requests.rest(), answers: 0 });
  const passed = parts.flatMap((part) => (part.kind === 'pass' ? [part.bytes] : []));
  return { parts, passed: Buffer.concat(passed) };
}

function answersDue(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + (part.kind === 'pass' ? part.answers : 0), 0);
}

describe('what a client sends', () => {
  test('goes to git to the byte, whatever it is, unless it is for a command of the table', () => {
    const lines = fc.array(fc.stringMatching(/^[a-z ]{0,20}$/), { maxLength: 5 });
    const foreign = fc.tuple(fc.constantFrom('ls-refs', 'fetch', 'nope', 'ours=x', ''), lines);
    const start = fc
      .array(foreign.map(([name, more]) => request(name, ...more)))
      .map((all) => Buffer.concat(all));
    fc.assert(
      fc.property(start, fc.uint8Array(), sizes, (requests, rest, cut) => {
        const whole = Buffer.concat([requests, Buffer.from(rest)]);
        expect(read(whole, cut).passed).toEqual(whole);
      }),
    );
  });

  test('is held back where it is for a command of the table, in whatever chunks it comes', () => {
    const others = fc.array(fc.constantFrom('ls-refs', 'fetch', 'ours'), { maxLength: 8 });
    fc.assert(
      fc.property(others, sizes, (names, cut) => {
        const { parts, passed } = read(Buffer.concat(names.map((name) => request(name, 'want x'))), cut);
        const theirs = names.filter((name) => name !== 'ours');
        expect(passed).toEqual(Buffer.concat(theirs.map((name) => request(name, 'want x'))));
        expect(parts.filter(({ kind }) => kind === 'command')).toHaveLength(names.length - theirs.length);
        expect(answersDue(parts)).toBe(theirs.length);
      }),
    );
  });

  test('may have the lines of its head in any order', () => {
    const odd = bytes(
      linePacket('agent=x'),
      linePacket('command=ours'),
      linePacket('object-format=sha1'),
      FLUSH,
    );
    const { parts } = read(odd, [3]);
    expect(parts).toMatchObject([{ kind: 'command', request: { length: 4 } }, { kind: 'pass' }]);
  });

  test.each([
    ['ls-refs', [], 1],
    ['fetch', ['want x', 'done'], 1],
    ['fetch', ['have x', 'want-ref refs/heads/main'], 1],
    ['fetch', ['have x', 'wait-for-done'], 1],
    ['fetch', ['have x', 'done'], 0],
  ])('%s with %j has %i answer', (name, lines, count) => {
    expect(answersDue(read(request(name, ...lines)).parts)).toBe(count);
  });

  test('has no answer where it is a flush alone, which ends the conversation', () => {
    expect(answersDue(read(bytes(FLUSH)).parts)).toBe(0);
  });

  const LONG = Array.from({ length: 40_000 }, () => 'x');
  test.each([
    ['a second command', bytes(linePacket('command=ours'), linePacket('command=fetch'), FLUSH), /already/],
    ['endless arguments', request('ours', ...LONG), /longer than 131072 bytes/],
    ['the end of an answer', bytes(linePacket('command=ours'), RESPONSE_END), /expected flush/],
  ])('is refused with %s', (_, whole, why) => {
    for (const cut of [whole.length, 1000]) {
      const refused = read(whole, [cut]).parts.find((part) => part.kind === 'refused');
      expect(refused?.error.message).toMatch(why);
      expect(refused?.error.code).toBe('bad-request');
    }
  });

  test('is refused, or left to git, where it is no packets in the middle of a request', () => {
    const begun = bytes(linePacket('command=ours'));
    const whole = Buffer.concat([begun, Buffer.from('zzzz')]);
    expect(read(whole, [begun.length]).parts.at(-2)).toMatchObject({ kind: 'refused' });
    expect(read(whole).passed).toEqual(whole);
  });

  test('is not held without bounds while it names no command', () => {
    const requests = new Requests([OURS]);
    const line = linePacket('server-option='.padEnd(1000, 'x')).raw;
    let [sent, passed] = [0, 0];
    for (; sent < 1_000_000; sent += line.length) {
      for (const part of requests.push(line)) if (part.kind === 'pass') passed += part.bytes.length;
      expect(sent - passed).toBeLessThan(140_000);
    }
    expect(passed).toBeGreaterThan(800_000);
  });
});

describe('a command of the table', () => {
  const head = linePacket('command=ours');

  test('is not asked where its name stands among the capabilities, as git has it', async () => {
    const bad = answerCommand([OURS], OURS, [head, linePacket('ours=x'), FLUSH]);
    await expect(bad).rejects.toThrow("unknown capability 'ours=x'");
  });

  test('hears what a client says of a capability that is received', async () => {
    const heard: (string | null)[] = [];
    const table = [OURS, { ...FORMAT, receive: (value: string | null) => void heard.push(value) }];
    const lines = ['agent=git/2.39.5', 'object-format=a=b', 'object-format'].map(linePacket);
    await answerCommand(table, OURS, [head, ...lines, DELIM, linePacket('object-format=late'), FLUSH]);
    expect(heard).toEqual(['a=b', null]);
  });
});
