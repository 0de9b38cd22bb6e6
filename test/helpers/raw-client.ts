import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { PacketDecoder } from '../../src/pkt-line/decoder.ts';
import { type Packet, packetLine } from '../../src/pkt-line/packet.ts';
import type { Sandbox } from './sandbox.ts';

/** A client that speaks protocol v2 packet by packet, over pipes to a service of its own. */
export interface RawClient {
  readonly child: ChildProcess & { stdin: Writable; stdout: Readable };
  /** Everything that the service has said on standard error so far. */
  readonly complaints: string;
  send(...bytes: readonly (Packet | Buffer)[]): void;
  /** The packets up to the next flush, without it; what is there when the service ends first. */
  answer(): Promise<Packet[]>;
  /** The same as lines. */
  lines(): Promise<string[]>;
  /** Sends nothing more, reads the rest, and waits for the end: the exit status, or the signal. */
  finish(): Promise<number | NodeJS.Signals | null>;
  /** Resolves when the service has ended, though nothing more is read or sent: to its exit status, or the signal. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  /** Hangs up, as a client does that dies, and waits for the end of the service: its exit status, or the signal. */
  vanish(): Promise<number | NodeJS.Signals | null>;
}

/** Starts a service, `gam upload-pack <folder>` for one, in a sandbox. */
export function startRawClient(
  sandbox: Sandbox,
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): RawClient {
  const child = spawn(command, args, {
    cwd: sandbox.root,
    env: { ...sandbox.env, GIT_PROTOCOL: 'version=2', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const how = (event: 'exit' | 'close') =>
    (once(child, event) as Promise<[number | null, NodeJS.Signals | null]>).then(
      ([status, signal]) => status ?? signal,
    );
  const [exited, closed] = [how('exit'), how('close')];
  const chunks = child.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const decoder = new PacketDecoder();
  const packets: Packet[] = [];
  let complaints = '';
  child.stdin.on('error', () => undefined);
  child.stdout.on('error', () => undefined);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const next = async (): Promise<Packet | null> => {
    while (packets.length === 0) {
      const { value, done } = await chunks.next();
      if (done) return null;
      packets.push(...decoder.push(value));
    }
    return packets.shift() ?? null;
  };
  const answer = async () => {
    const all: Packet[] = [];
    for (;;) {
      const packet = await next();
      if (packet === null || packet.kind === 'flush') return all;
      all.push(packet);
    }
  };
  return {
    child,
    exited,
    get complaints() {
      return complaints;
    },
    send: (...bytes) =>
      void child.stdin.write(Buffer.concat(bytes.map((one) => ('raw' in one ? one.raw : one)))),
    answer,
    lines: async () => (await answer()).map((packet) => packetLine(packet) ?? packet.kind),
    async finish() {
      child.stdin.end();
      while ((await next()) !== null);
      return closed;
    },
    vanish() {
      child.stdin.destroy();
      child.stdout.destroy();
      return exited;
    },
  };
}
