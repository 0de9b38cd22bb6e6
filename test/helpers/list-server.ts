import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { PacketDecoder } from '../../src/pkt-line/decoder.ts';
import { FLUSH, linePacket } from '../../src/pkt-line/encode.ts';
import { type Packet, packetLine } from '../../src/pkt-line/packet.ts';
import { requestedCommand } from '../../src/protocol/fetch-request.ts';
import { type MirrorListRequest, parseMirrorListRequest } from '../../src/protocol/mirror-list-request.ts';
import type { HttpServer } from './http-server.ts';
import { Connections, listen } from './listening.ts';

/** Answers a request for a list, in whichever way; the server's own greeting and all other requests are git's. */
export type AnswerList = (asked: MirrorListRequest, response: ServerResponse) => void;

const RESULT = { 'Content-Type': 'application/x-git-upload-pack-result' };

/** An answer of these variables, `mirror.` being added to each name. */
export function listing(variables: readonly (readonly [string, string | number])[]): AnswerList {
  return (_, response) => {
    response.writeHead(200, RESULT);
    for (const [name, value] of [['version', 1] as const, ...variables])
      response.write(linePacket(`mirror.${name}=${value}`).raw);
    response.end(FLUSH.raw);
  };
}

/** An answer that names these mirrors. */
export function naming(...urls: readonly string[]): AnswerList {
  return listing(urls.map((url, index) => [`m${index}.url`, url] as const));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A git server over http that has a list of mirrors, to which anything may be answered. */
export interface ListServer {
  /** What was asked so far. */
  readonly asked: MirrorListRequest[];
  answer: AnswerList;
  /** Whether the greeting tells of the list. */
  offers: boolean;
}

/**
 * Lets a server tell of a list in its greeting, and answer the request for it. Its other answers stay git's.
 * @param env of git's processes, for what an answer to git's own requests comes from
 */
export function offerList(
  server: HttpServer,
  root: string,
  env: Readonly<Record<string, string>>,
): ListServer {
  const own: ListServer = { asked: [], answer: naming(), offers: true };
  server.answer = (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://h');
    const [, repository = '', service = ''] = /^(.*?)\/(info\/refs|git-upload-pack)$/.exec(pathname) ?? [];
    if (request.headers['git-protocol'] !== 'version=2') return false;
    const uploadPack = (extra: readonly string[]) =>
      spawn('git', ['upload-pack', '--stateless-rpc', ...extra, `${root}${repository}`], {
        env: { ...env, GIT_PROTOCOL: 'version=2' },
        stdio: ['pipe', 'pipe', 'ignore'],
      });
    if (service === 'info/refs' && searchParams.get('service') === 'git-upload-pack' && own.offers) {
      const child = uploadPack(['--advertise-refs']);
      child.stdin.end();
      response.writeHead(200, { 'Content-Type': 'application/x-git-upload-pack-advertisement' });
      void (async () => {
        const packets = [];
        const decoder = new PacketDecoder();
        for await (const chunk of child.stdout) packets.push(...decoder.push(chunk as Buffer));
        const flush = packets.findLastIndex(({ kind }) => kind === 'flush');
        const greeting = [...packets.slice(0, flush), linePacket('mirror-list'), FLUSH];
        if (!greeting.some((packet) => packetLine(packet) === 'version 2')) throw new Error('no greeting');
        response.end(Buffer.concat(greeting.map(({ raw }) => raw)));
      })().catch(() => response.destroy());
      return true;
    }
    if (service !== 'git-upload-pack' || request.headers['content-encoding'] !== undefined) return false;
    void bodyOf(request).then((body) => {
      const packets = new PacketDecoder().push(body);
      if (requestedCommand(packets) === 'mirror-list') {
        const asked = parseMirrorListRequest(packets);
        own.asked.push(asked);
        return own.answer(asked, response);
      }
      const child = uploadPack([]);
      child.stdin.on('error', () => undefined).end(body);
      response.writeHead(200, RESULT);
      response.once('close', () => child.kill());
      return void child.stdout.pipe(response);
    });
    return true;
  };
  return own;
}

/** A git:// server that has a list, to which anything may be answered on the line. */
export interface ListDaemon {
  readonly url: string;
  readonly asked: MirrorListRequest[];
  /** The commands in the order in which they came, over all connections. */
  readonly commands: string[];
  readonly connections: number;
  /** What comes behind waits for it. */
  answer: (asked: MirrorListRequest, line: Socket) => void | Promise<void>;
  close(): Promise<void>;
}

/** The packets of an answer over a line. */
export function lineListing(...variables: readonly string[]): Buffer {
  return Buffer.concat([
    ...['mirror.version=1', ...variables].map((variable) => linePacket(variable).raw),
    FLUSH.raw,
  ]);
}

/** Serves one repository by git upload-pack over git://, and a list beside it. */
export async function startListDaemon(
  repository: string,
  env: Readonly<Record<string, string>>,
): Promise<ListDaemon> {
  const connections = new Connections();
  const own: Pick<ListDaemon, 'asked' | 'commands' | 'answer'> = {
    asked: [],
    commands: [],
    answer: (_, line) => void line.write(lineListing()),
  };
  async function converse(line: Socket): Promise<void> {
    const child = spawn('git', ['upload-pack', repository], {
      env: { ...env, GIT_PROTOCOL: 'version=2' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    line.once('close', () => child.kill());
    child.stdin.on('error', () => undefined);
    const greeting = new PacketDecoder();
    let greeted = false;
    child.stdout.on('data', (chunk: Buffer) => {
      if (greeted) return void line.write(chunk);
      for (const packet of greeting.push(chunk)) {
        if (packet.kind === 'flush') greeted = true;
        line.write(
          packet.kind === 'flush' ? Buffer.concat([linePacket('mirror-list').raw, packet.raw]) : packet.raw,
        );
      }
    });
    child.once('close', () => line.end());
    const decoder = new PacketDecoder();
    let opened = false;
    let request: Packet[] = [];
    for await (const chunk of line.iterator({ destroyOnReturn: false })) {
      for (const packet of decoder.push(chunk as Buffer)) {
        // The first packet names service, path and host (gitprotocol-pack(5), "Git Transport").
        if (!opened) {
          opened = true;
          continue;
        }
        request.push(packet);
        if (packet.kind !== 'flush') continue;
        const command = requestedCommand(request);
        if (command !== null) own.commands.push(command);
        if (command === 'mirror-list') {
          const asked = parseMirrorListRequest(request);
          own.asked.push(asked);
          await own.answer(asked, line);
        } else child.stdin.write(Buffer.concat(request.map(({ raw }) => raw)));
        request = [];
      }
    }
    child.stdin.end();
  }
  const server = createServer({ allowHalfOpen: true }, (line) => {
    connections.add(line);
    converse(line).catch(() => line.destroy());
  });
  const port = await listen(server);
  return {
    ...own,
    url: `git://127.0.0.1:${port}/project`,
    get connections() {
      return connections.count;
    },
    get answer() {
      return own.answer;
    },
    set answer(answer) {
      own.answer = answer;
    },
    close: () => connections.close(server),
  };
}
