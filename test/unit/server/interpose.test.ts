import { PassThrough, Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import { DELIM, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import type { Packet } from '../../../src/pkt-line/packet.ts';
import type { Capability } from '../../../src/server/capability.ts';
import { interpose } from '../../../src/server/interpose.ts';

const OURS: Capability = {
  name: 'ours',
  advertise: () => '',
  receive: null,
  command: async () => [linePacket('our answer'), FLUSH],
};
const GREETING = [linePacket('version 2'), linePacket('ls-refs'), FLUSH];
const ASK = [linePacket('command=ours'), DELIM, FLUSH];

function bytes(...packets: readonly Packet[]): Buffer {
  return Buffer.concat(packets.map(({ raw }) => raw));
}

/** Both sides, as a server of any kind may have them; what reaches either is collected. */
function sides() {
  const [fromClient, toClient, fromService, toService] = Array.from({ length: 4 }, () => new PassThrough());
  const heard = { client: '', service: '' };
  toClient?.on('data', (chunk: Buffer) => {
    heard.client += chunk.toString();
  });
  toService?.on('data', (chunk: Buffer) => {
    heard.service += chunk.toString();
  });
  const closed = { times: 0 };
  return { fromClient, toClient, fromService, toService, heard, closed } as {
    [name in 'fromClient' | 'toClient' | 'fromService' | 'toService']: PassThrough;
  } & { heard: typeof heard; closed: typeof closed };
}

function run(
  all: Omit<ReturnType<typeof sides>, 'toClient'> & { toClient: Writable },
  table: readonly Capability[],
  greets = true,
  input?: Readable,
) {
  const close = () => {
    all.closed.times += 1;
    all.fromService.end();
  };
  const service = { input: all.fromService, output: all.toService, close };
  const client = { input: input ?? all.fromClient, output: all.toClient };
  return interpose({ client, service, greets }, table);
}

describe('an interposer', () => {
  test('passes everything both ways, as it comes, where the service speaks an older protocol', async () => {
    const all = sides();
    const done = run(all, [OURS]);
    const old = bytes(linePacket('version 1'), linePacket(`${'0'.repeat(40)} HEAD`), FLUSH);
    all.fromService.write(old);
    // No flush follows `done` there, and what looks like a command is none.
    const asked = Buffer.concat([bytes(...ASK, linePacket('done')), Buffer.from('0009do')]);
    all.fromClient.end(asked);
    for await (const _ of all.toService.iterator({ destroyOnReturn: false })) continue;
    all.fromService.end('PACK');
    expect(await done).toBeNull();
    expect(all.heard).toEqual({ client: `${old.toString()}PACK`, service: asked.toString() });
  });

  test('adds to what a web server greets with, where no request follows', async () => {
    const all = sides();
    const done = run(all, [OURS], true, Readable.from([]));
    const before = bytes(linePacket('# service=git-upload-pack'), FLUSH);
    all.fromService.end(Buffer.concat([before, bytes(...GREETING)]));
    expect(await done).toBeNull();
    const [version, refs, flush] = GREETING as [Packet, Packet, Packet];
    expect(all.heard.client).toBe(
      Buffer.concat([before, bytes(version, refs, linePacket('ours'), flush)]).toString(),
    );
    await finished(all.toService);
  });

  test('answers the one request of a stateless line, and has nothing for the service', async () => {
    const all = sides();
    const done = run(all, [OURS], false, Readable.from([bytes(...ASK)]));
    all.toService.once('finish', () => all.fromService.end());
    expect(await done).toBeNull();
    expect(all.heard).toEqual({ client: bytes(linePacket('our answer'), FLUSH).toString(), service: '' });
  });

  test('ends the service when the client has gone', async () => {
    const all = sides();
    const done = run(all, [OURS]);
    all.fromService.write(bytes(...GREETING));
    all.toClient.destroy(new Error('EPIPE'));
    expect(await done).toBeNull();
    expect(all.closed.times).toBeGreaterThan(0);
  });

  test('does not ask for more while the client takes nothing', async () => {
    const all = sides();
    // As a socket: it takes one write, and calls back when that has gone, or when it breaks.
    let stuck: ((error: Error | null) => void) | null = null;
    const client = new Writable({
      write(_chunk, _encoding, done) {
        stuck = done;
      },
      destroy(error, done) {
        stuck?.(error);
        done(error);
      },
    });
    let pulled = 0;
    const endless = new Readable({
      highWaterMark: 1 << 16,
      read() {
        pulled += 1 << 16;
        this.push(pulled > 64 << 20 ? null : Buffer.alloc(1 << 16));
      },
    });
    const done = run({ ...all, toClient: client }, [OURS]);
    all.fromService.write(bytes(...GREETING));
    endless.pipe(all.fromService);
    for (let turn = 0; turn < 1000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBeLessThan(1 << 20);
    endless.unpipe();
    client.destroy();
    expect(await done).toBeNull();
  });

  test('fails where a row does, and ends the service', async () => {
    const all = sides();
    const broken: Capability = { ...OURS, command: () => Promise.reject(new TypeError('a defect')) };
    const done = run(all, [broken]);
    all.fromService.write(bytes(...GREETING));
    all.fromClient.write(bytes(...ASK));
    await expect(done).rejects.toThrow('a defect');
    expect(all.closed.times).toBeGreaterThan(0);
  });
});
