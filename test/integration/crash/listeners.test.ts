import { getEventListeners } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { startProcess } from '../../../src/git/process.ts';
import { runGit } from '../../../src/git/run.ts';
import { openDaemon } from '../../../src/transport/daemon.ts';
import { listen } from '../../helpers/listening.ts';

// One signal lives as long as the helper, and everything that it starts listens to it: for no longer than
// it runs itself.

const abortListeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

test('processes listen for an abort while they run', async () => {
  const { signal } = new AbortController();
  const running = startProcess('sh', ['-c', 'read line'], { signal });
  expect(abortListeners(signal)).toBe(1);
  running.child.stdin?.end();
  await running.exit;
  expect(abortListeners(signal)).toBe(0);

  await expect(startProcess('/no/such/program', [], { signal }).exit).rejects.toThrow('cannot start');
  for (let turn = 0; turn < 20; turn += 1) await runGit(['--version'], { signal });
  expect(abortListeners(signal)).toBe(0);
});

test('an abort ends a process, also one that came before it', async () => {
  const abort = new AbortController();
  const running = startProcess('sleep', ['60'], { signal: abort.signal });
  abort.abort();
  expect(await running.exit).toEqual({ status: null, signal: 'SIGTERM' });
  const late = startProcess('sleep', ['60'], { signal: abort.signal });
  expect(await late.exit).toEqual({ status: null, signal: 'SIGTERM' });
  expect(abortListeners(abort.signal)).toBe(0);
});

test('a process that does not hear SIGTERM gets SIGKILL', async () => {
  const abort = new AbortController();
  const deaf = startProcess('sh', ['-c', "trap '' TERM; echo ready; while :; do sleep 0.1; done"], {
    signal: abort.signal,
  });
  await new Promise((resolve) => deaf.child.stdout?.once('data', resolve));
  abort.abort();
  expect(await deaf.exit).toEqual({ status: null, signal: 'SIGKILL' });
});

test('a line to a git server listens for an abort while it is open', async () => {
  const server = createServer((socket) => socket.on('error', () => undefined));
  const port = await listen(server);
  const abort = new AbortController();
  const { signal } = abort;
  const url = {
    kind: 'git',
    host: '127.0.0.1',
    port: String(port),
    hostAndPort: `127.0.0.1:${port}`,
    path: '/x',
  };
  const opening = { service: 'git-upload-pack', version: 2, family: undefined, entries: [], env: {}, signal };
  const open = () => openDaemon(url as never, { ...opening, stderr: 'pipe' } as never);
  const line = await open();
  expect(abortListeners(signal)).toBe(1);
  line.close();
  await line.exit;
  expect(abortListeners(signal)).toBe(0);
  const other = await open();
  abort.abort();
  expect((await other.exit).status).toBe(0);
  server.close();
});
