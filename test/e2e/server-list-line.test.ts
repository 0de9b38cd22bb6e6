import { mkdirSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { FLUSH, linePacket } from '../../src/pkt-line/encode.ts';
import { recallList, rememberList } from '../../src/state/mirror-lists.ts';
import { markUnlisted } from '../../src/state/unlisted.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { type ListDaemon, lineListing, startListDaemon } from '../helpers/list-server.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// Over one line, as with git:// and ssh, the list is asked for together with git's refs.

let sandbox: Sandbox;
let daemon: ListDaemon;
let mirrors: HttpServer;

beforeAll(async () => {
  sandbox = makeSandbox();
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'served/project', { commits: 120, tags: 3 });
  await cloneBare(sandbox, 'served/project', 'mirrors/one');
  const { serverEnv: env } = sandbox;
  mirrors = await startHttpServer({ root: sandbox.path('mirrors'), env });
  daemon = await startListDaemon(sandbox.path('served/project'), env);
});
afterAll(async () => {
  await daemon.close();
  await mirrors.close();
  await sandbox.close();
});

let number = 0;
beforeEach(() => {
  number += 1;
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
  daemon.asked.length = 0;
  daemon.commands.length = 0;
  daemon.answer = (_, line) => void line.write(lineListing(`mirror.a.url=${mirrors.url}/one`));
  mirrors.requests.length = 0;
});
afterEach(() => expectNoChildren(sandbox));

const ACCEPT = ['-c', 'gam.acceptMirrorUrl=http://127.0.0.1:*/*', '-c', 'gam.connectTimeout=500ms'];

async function clone(): Promise<{ stderr: string; name: string }> {
  const name = `clone-${number}`;
  const { stderr } = await sandbox.git([...ACCEPT, 'clone', `mirror::${daemon.url}`, name]);
  await expectSameRefs(sandbox, name, 'served/project', asFetched);
  await expectClean(sandbox, name);
  return { stderr, name };
}

test('a clone without any mirror configured learns of one before it has canonical’s refs', async () => {
  const before = daemon.connections;
  const { stderr, name } = await clone();
  expect(stderr).toContain('gam: fetching from');
  expect(daemon.connections).toBe(before + 1);
  expect(daemon.commands.slice(0, 2)).toEqual(['mirror-list', 'ls-refs']);
  await addCommits(sandbox, 'served/project', 3, { seed: 200 + number });
  await sandbox.git([...ACCEPT, 'fetch', '-q'], { cwd: name });
  expect(daemon.asked).toHaveLength(1);
});

test('git ls-remote asks for no list, and a server that is known to have none gets git’s own line', async () => {
  const { name } = await clone();
  rmSync(sandbox.path('home/.local/state'), { recursive: true });
  daemon.asked.length = 0;
  await sandbox.git([...ACCEPT, 'ls-remote', 'origin'], { cwd: name });
  markUnlisted(daemon.url, sandbox.env);
  await sandbox.git([...ACCEPT, 'fetch', '-q'], { cwd: name });
  expect(daemon.asked).toEqual([]);
});

/** Holds bytes back until all that git asked behind them has been answered, and sends them with that in one piece. */
function sendAlong(line: Socket, bytes: Buffer): void {
  const write = line.write.bind(line);
  let held = bytes;
  line.write = (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    if (!held.subarray(-4).equals(FLUSH.raw)) return true;
    line.write = write;
    return write(held);
  };
}

const entry = linePacket('mirror.m.url=https://m.invalid/x').raw;

function endless(line: Socket, piece: Buffer): void {
  const more = () => {
    while (!line.destroyed) if (!line.write(piece)) return void line.once('drain', more);
  };
  more();
}

test.each<[string, ListDaemon['answer']]>([
  [
    'entries without end',
    (_, line) => endless(line, Buffer.concat(Array.from({ length: 500 }, () => entry))),
  ],
  ['a line without end', (_, line) => endless(line, Buffer.alloc(1 << 16, 'x'))],
  ['silence', () => new Promise(() => undefined)],
  ['a server that passes over it', () => undefined],
  ['half an answer', (_, line) => void line.write(entry)],
  ['half an answer, and silence', (_, line) => (line.write(entry), new Promise(() => undefined))],
  ['an ERR packet', (_, line) => void line.write(linePacket('ERR no').raw)],
  ['an ERR packet and the answer to git', (_, line) => sendAlong(line, linePacket('ERR no').raw)],
  ['an ERR packet and the end', (_, line) => void line.end(linePacket('ERR no').raw)],
  ['a hang-up', (_, line) => line.destroy()],
  ['an HTML page', (_, line) => void line.write('<html></html>')],
  ['nothing', (_, line) => void line.write(FLUSH.raw)],
])('does no harm: %s', async (_, answer) => {
  daemon.answer = answer;
  const { stderr, name } = await clone();
  expect(stderr).not.toContain('gam:');
  expect(daemon.asked).toHaveLength(1);
  await addCommits(sandbox, 'served/project', 3, { seed: 200 + number });
  await rememberList(daemon.url, (kept) => ({ ...kept, asked: 0 }), sandbox.env);
  await sandbox.git([...ACCEPT, 'fetch', '-q'], { cwd: name });
  await expectSameRefs(sandbox, name, 'served/project', asFetched);
  expect(daemon.asked).toHaveLength(2);
  expect(recallList(daemon.url, sandbox.env)?.mirrors).toEqual([]);
});
