import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Line, type LineOptions, openLine } from '../helpers/line.ts';
import { applyFault, type Fault } from '../helpers/line-fault.ts';
import { LineSchedule } from '../helpers/line-schedule.ts';
import { Connections, closedPort, listen } from '../helpers/listening.ts';

/** A server that answers every connection's first byte with `content` and an end. */
async function serving(content: Buffer): Promise<number> {
  const connections = new Connections();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once('data', () => socket.end(content));
  });
  onTestFinished(() => connections.close(server));
  return listen(server);
}

async function line(options: LineOptions): Promise<Line> {
  const opened = await openLine(options);
  onTestFinished(() => opened.close());
  return opened;
}

async function read(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function get(port: number): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  socket.write('?');
  return read(socket);
}

/** The least time of several: a busy machine makes some longer, and the line lets none be shorter. */
async function least(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}

test('carries every byte in order, and counts both ways', async () => {
  const content = randomBytes(3_000_000);
  const to = await serving(content);
  const through = await line({ to, latency: 3, download: 400e6 });
  const answers = await Promise.all([get(through.port), get(through.port)]);
  expect(answers.map((answer) => answer.equals(content))).toEqual([true, true]);
  expect(through).toMatchObject({ connections: 2, bytesUp: 2, bytesDown: 2 * content.length });
});

test('halves the rate, and takes about twice as long', async () => {
  const to = await serving(randomBytes(2_000_000));
  const [slow, fast] = [await line({ to, download: 40e6 }), await line({ to, download: 80e6 })];
  const ratio = (await least(() => get(slow.port))) / (await least(() => get(fast.port)));
  expect(ratio).toBeGreaterThan(1.4);
  expect(ratio).toBeLessThan(2.8);
});

test('a longer line costs a small answer more in the same proportion', async () => {
  const to = await serving(Buffer.from('!'));
  const [far, near] = [await line({ to, latency: 80 }), await line({ to, latency: 20 })];
  const ratio = (await least(() => get(far.port))) / (await least(() => get(near.port)));
  expect(ratio).toBeGreaterThan(2);
  expect(ratio).toBeLessThan(5);
});

test('shares its rate among connections, and its latency is not shared', () => {
  const schedule = new LineSchedule({ latency: 50, bitsPerSecond: 8000 });
  expect(schedule.arrival(0, 100)).toBe(150);
  expect(schedule.arrival(0, 100)).toBe(250);
  expect(schedule.arrival(1000, 100)).toBe(1150);
  // Bytes for a connection that is not open yet keep nobody else waiting.
  expect(schedule.arrival(2000, 100, 2200)).toBe(2350);
  expect(schedule.arrival(2000, 100)).toBe(2250);
});

test('a sender that is faster than the line is held back', async () => {
  let taken = 0;
  const server = createServer((socket) => {
    socket.once('data', () => {
      const feed = () => {
        while (socket.write(Buffer.alloc(1 << 16))) taken += 1 << 16;
        taken += 1 << 16;
      };
      socket.on('drain', feed);
      feed();
    });
  });
  const connections = new Connections();
  server.on('connection', (socket) => connections.add(socket));
  const slow = await line({ to: await listen(server), download: 1e6 });
  onTestFinished(() => connections.close(server));
  const socket = connect(slow.port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  socket.resume().write('?');
  await slow.reached(30_000);
  // Socket buffers hold some megabytes on both sides of the proxy; without a bound it would be any amount.
  expect(taken).toBeLessThan(64e6);
});

test.each<[Fault, number]>([
  [{ kind: 'cut', after: 1000 }, 1000],
  [{ kind: 'cut', after: 0 }, 0],
])('%o ends in order after so many bytes', async (fault, length) => {
  const content = randomBytes(100_000);
  const through = await line({ to: await serving(content), fault });
  expect(await get(through.port)).toEqual(content.subarray(0, length));
});

test('a reset is no orderly end: nothing can be sent any more', async () => {
  const to = await serving(randomBytes(100_000));
  const afterTheEnd = async (fault: Fault) => {
    const { port } = await line({ to, fault });
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => {
      socket.destroy();
    });
    socket.write('?');
    // libuv may show a reset as an end.
    await new Promise((resolve) => {
      socket.once('end', resolve).once('error', resolve).resume();
    });
    const failure = await new Promise((resolve) => {
      socket.write('?', resolve);
    });
    return { failed: failure instanceof Error, bytes: socket.bytesRead };
  };
  expect(await afterTheEnd({ kind: 'cut', after: 70_000 })).toEqual({ failed: false, bytes: 70_000 });
  expect(await afterTheEnd({ kind: 'reset', after: 70_000 })).toEqual({ failed: true, bytes: 70_000 });
  expect(await afterTheEnd({ kind: 'reset' })).toEqual({ failed: true, bytes: 0 });
});

test('refuses when the line is down from the start, like a port where nothing listens', async () => {
  const through = await line({ to: 1, fault: { kind: 'refuse' } });
  await expect(get(through.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(get(await closedPort())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('stalls on the connections that are told to, and not on others', async () => {
  const content = randomBytes(100_000);
  const fault = (connection: number): Fault | null =>
    connection === 1 ? { kind: 'stall', after: 500 } : null;
  const through = await line({ to: await serving(content), fault });
  const silent = connect(through.port, '127.0.0.1');
  onTestFinished(() => {
    silent.destroy();
  });
  silent.write('?');
  await once(silent, 'readable');
  expect((await get(through.port)).equals(content)).toBe(true);
  expect(silent.read()).toHaveLength(500);
  expect(silent.readableEnded).toBe(false);
});

test('drips a byte at a time', async () => {
  const to = await serving(Buffer.from('0123456789'));
  const [slow, slower] = [
    await line({ to, fault: { kind: 'drip', every: 10 } }),
    await line({ to, fault: { kind: 'drip', every: 30 } }),
  ];
  const ratio = (await least(() => get(slower.port))) / (await least(() => get(slow.port)));
  expect(ratio).toBeGreaterThan(2);
  expect((await get(slow.port)).toString()).toBe('0123456789');
});

test('corrupts one byte and leaves the rest', async () => {
  const content = randomBytes(100_000);
  const through = await line({ to: await serving(content), fault: { kind: 'corrupt', at: 70_000 } });
  const spoiled = await get(through.port);
  expect(spoiled[70_000]).toBe(~(content[70_000] ?? 0) & 0xff);
  spoiled[70_000] = content[70_000] ?? 0;
  expect(spoiled.equals(content)).toBe(true);
});

test('a fault at an offset acts within a piece and not before', () => {
  const piece = Buffer.from('abcdef');
  expect(applyFault({ kind: 'cut', after: 10 }, piece, 0)).toEqual({ bytes: piece, event: null });
  expect(applyFault({ kind: 'cut', after: 10 }, piece, 6)).toEqual({
    bytes: Buffer.from('abcd'),
    event: 'cut',
  });
  expect(applyFault({ kind: 'cut', after: 6 }, piece, 0)).toEqual({ bytes: piece, event: 'cut' });
});
