import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { PacketDecoder } from '../../src/pkt-line/decoder.ts';
import { DELIM, dataPacket, FLUSH, linePacket } from '../../src/pkt-line/encode.ts';
import type { Packet } from '../../src/pkt-line/packet.ts';
import { BAND, bandPayload } from '../../src/pkt-line/sideband.ts';
import {
  argumentValues,
  type FetchRequest,
  hasArgument,
  parseFetchRequest,
  requestedCommand,
} from '../../src/protocol/fetch-request.ts';
import { Connections, listen } from './listening.ts';
import type { Sandbox } from './sandbox.ts';

/** Where a server writes: in packets or raw bytes, waiting while the client does not read. */
export interface Out {
  readonly closed: boolean;
  send(...parts: readonly (Packet | Buffer | readonly Packet[])[]): Promise<void>;
  end(): void;
}

/** What a server answers; each part may write what it likes, end the line, or say nothing. */
export interface Script {
  greeting(out: Out): Promise<void>;
  lsRefs(request: FetchRequest, out: Out): Promise<void>;
  fetch(request: FetchRequest, out: Out): Promise<void>;
}

/** A server that speaks git:// by a script. */
export interface HostileServer {
  readonly url: string;
  readonly port: number;
  readonly connections: number;
  readonly bytesOut: number;
  /** The commands of the requests so far. */
  readonly commands: string[];
  close(): Promise<void>;
}

/** A ref as a server tells it. */
export interface ToldRef {
  name: string;
  oid: string;
}

const PIECE = 60_000;

/** The greeting of an upload-pack in protocol v2. */
export function greeting(format = 'sha1'): Packet[] {
  const lines = [
    'version 2',
    'agent=hostile/1',
    'ls-refs=unborn',
    'fetch=shallow',
    `object-format=${format}`,
  ];
  return [...lines.map(linePacket), FLUSH];
}

/** An answer to ls-refs. */
export function refLines(refs: readonly ToldRef[]): Packet[] {
  return [...refs.map(({ name, oid }) => linePacket(`${oid} ${name}`)), FLUSH];
}

/** What comes before the pack in an answer to fetch; some of what the client has is always common. */
export function packStart(request: FetchRequest): Packet[] {
  const [common] = argumentValues(request, 'have');
  if (hasArgument(request, 'done') || common === undefined) return [linePacket('packfile')];
  const acknowledged = [`ACK ${common}`, 'ready'].map(linePacket);
  return [linePacket('acknowledgments'), ...acknowledged, DELIM, linePacket('packfile')];
}

/** Bytes on one band of the side-band. */
export function onBand(band: number, bytes: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; at += PIECE) {
    packets.push(dataPacket(bandPayload(band, bytes.subarray(at, at + PIECE))));
  }
  return packets;
}

/** A script that tells these refs and sends this pack, whatever is asked for. */
export function scripted(refs: readonly ToldRef[], pack: Buffer, changes: Partial<Script> = {}): Script {
  return {
    greeting: (out) => out.send(...greeting()),
    // Not as arguments: a hundred thousand of them are more than the stack may hold.
    lsRefs: (_request, out) => out.send(refLines(refs)),
    fetch: (request, out) => out.send(...packStart(request), ...onBand(BAND.data, pack), FLUSH),
    ...changes,
  };
}

/** The refs of a repository, HEAD first, as a server tells them. */
export async function refsToTell(sandbox: Sandbox, repository: string): Promise<ToldRef[]> {
  const { stdout } = await sandbox.git(['show-ref', '--head'], { cwd: repository });
  return stdout
    .trim()
    .split('\n')
    .map((line) => ({ oid: line.slice(0, line.indexOf(' ')), name: line.slice(line.indexOf(' ') + 1) }));
}

/** A pack made by `git pack-objects`, of what these lines name (revisions, or object ids). */
export async function packFrom(
  sandbox: Sandbox,
  repository: string,
  lines: readonly string[],
  args: readonly string[] = [],
): Promise<Buffer> {
  const name = 'scratch';
  const input = `${lines.join('\n')}\n`;
  const folder = sandbox.path('packs');
  mkdirSync(folder, { recursive: true });
  const made = await sandbox.git(['pack-objects', '-q', ...args, `${folder}/${name}`], {
    cwd: repository,
    input,
  });
  return readFileSync(`${folder}/${name}-${made.stdout.trim()}.pack`);
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

function outTo(socket: Socket): Out {
  return {
    get closed() {
      return socket.destroyed || socket.writableEnded;
    },
    async send(...parts) {
      for (const part of parts.flat()) {
        if (socket.destroyed || socket.writableEnded) return;
        const bytes = Buffer.isBuffer(part) ? part : part.raw;
        if (!socket.write(bytes)) await drained(socket);
      }
    },
    end: () => socket.end(),
  };
}

async function converse(socket: Socket, script: Script, commands: string[]): Promise<void> {
  const decoder = new PacketDecoder();
  const out = outTo(socket);
  let opened = false;
  let request: Packet[] = [];
  for await (const chunk of socket) {
    for (const packet of decoder.push(chunk as Buffer)) {
      // The first packet names service, path and host (gitprotocol-pack(5), "Git Transport").
      if (!opened) {
        opened = true;
        await script.greeting(out);
        continue;
      }
      request.push(packet);
      if (packet.kind !== 'flush') continue;
      const command = requestedCommand(request) ?? '';
      commands.push(command);
      const parsed = parseFetchRequest(request);
      request = [];
      if (command === 'ls-refs') await script.lsRefs(parsed, out);
      if (command === 'fetch') await script.fetch(parsed, out);
    }
  }
}

/** Starts a git:// server on 127.0.0.1 that answers by a script. */
export async function startHostileServer(script: Script): Promise<HostileServer> {
  const connections = new Connections();
  const commands: string[] = [];
  const server = createServer((socket) => {
    connections.add(socket);
    converse(socket, script, commands).catch(() => socket.destroy());
  });
  const port = await listen(server);
  return {
    url: `git://127.0.0.1:${port}/mirror.git`,
    port,
    commands,
    get connections() {
      return connections.count;
    },
    get bytesOut() {
      return connections.bytesOut;
    },
    close: () => connections.close(server),
  };
}
