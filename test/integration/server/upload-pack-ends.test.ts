import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DELIM, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type RawClient, startRawClient } from '../../helpers/raw-client.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// How a fetch through `gam upload-pack` ends before its time, and what a slow one costs.

const SIZE = 64 << 20;
const LIMIT_KIB = 90 * 1024;

let sandbox: Sandbox;
let main: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  await initBare(sandbox, 'large.git');
  const run = async (args: string[], input: string | Buffer = '') =>
    (await sandbox.git(args, { cwd: 'large.git', input })).stdout.trim();
  for (const [key, value] of [
    ['mirrorList.enabled', 'true'],
    ['core.compression', '0'],
    ['pack.compression', '0'],
    ['core.bigFileThreshold', '1m'],
  ] as const)
    await run(['config', key, value]);
  const blob = await run(['hash-object', '-w', '--stdin'], randomBytes(SIZE));
  const tree = await run(['mktree'], `100644 blob ${blob}\tbulk\n`);
  main = await run(['commit-tree', '-m', 'Add bulk', tree]);
  await run(['update-ref', 'refs/heads/main', main]);
});
afterAll(() => sandbox.close());

const ALL = (tip: string) => [
  linePacket('command=fetch'),
  DELIM,
  linePacket(`want ${tip}`),
  linePacket('done'),
  FLUSH,
];

/** A client that has asked for everything, and has read the greeting only. */
async function askForAll(): Promise<RawClient> {
  const client = startRawClient(sandbox, ['gam', 'upload-pack', 'large.git']);
  expect(await client.lines()).toContain('mirror-list');
  client.send(...ALL(main));
  return client;
}

function numberIn(file: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+([0-9]+)`, 'm').exec(readFileSync(file, 'utf8'))?.[1]);
}

/** Waits until gam reads no more of the pack, since nobody takes it; returns how much it has read. */
async function stalled({ child }: RawClient): Promise<number> {
  for (let last = -1, same = 0; ; await pause(20)) {
    const read = numberIn(`/proc/${child.pid}/io`, 'rchar');
    same = read === last ? same + 1 : 0;
    last = read;
    // More than the pack's first packet: node reads its own files first.
    if (same >= 10 && sandbox.living().some(({ command }) => command.includes('pack-objects'))) return read;
  }
}

describe.skipIf(process.platform !== 'linux')('a client that does not read', () => {
  test('has git wait, and the pack stays where it is', async () => {
    const client = await askForAll();
    const read = await stalled(client);
    expect(read).toBeLessThan(16 << 20);
    expect((await client.answer()).reduce((sum, { raw }) => sum + raw.length, 0)).toBeGreaterThan(SIZE);
    expect(numberIn(`/proc/${client.child.pid}/status`, 'VmHWM')).toBeLessThan(LIMIT_KIB);
    expect(await client.finish()).toBe(0);
    await expectNoChildren(sandbox);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('and a %s to gam end all', async (signal) => {
    const client = await askForAll();
    await stalled(client);
    client.child.kill(signal);
    const status = { SIGTERM: 143, SIGINT: 130, SIGHUP: 129 }[signal];
    expect(await client.exited).toBe(status);
    await client.finish();
    await expectNoChildren(sandbox);
  });

  test('and goes away has git ended, and leaves nothing', async () => {
    const client = await askForAll();
    await stalled(client);
    expect(await client.vanish()).toBe(143);
    await expectNoChildren(sandbox);
  });

  test('and gam being killed leave nothing', async () => {
    const client = await askForAll();
    await stalled(client);
    client.child.kill('SIGKILL');
    expect(await client.finish()).toBe('SIGKILL');
    await expectNoChildren(sandbox);
  });

  test("sees the line end when git's upload-pack is killed, with the status of that", async () => {
    const client = await askForAll();
    await stalled(client);
    const git = sandbox
      .living()
      .find(({ command }) => /git(?:-| )upload-pack /.test(command) && !/gam/.test(command));
    expect(git).toBeDefined();
    process.kill(git?.pid ?? 0, 'SIGKILL');
    expect(await client.exited).toBe(137);
    // What lies in the pipe can still be read, and no more comes.
    await client.finish();
    await expectNoChildren(sandbox);
  });
});

test('a client that goes away between requests leaves nothing', async () => {
  const client = startRawClient(sandbox, ['gam', 'upload-pack', 'large.git']);
  await client.lines();
  expect(await client.vanish()).toBe(0);
  await expectNoChildren(sandbox);
});

// Asked for an older version, git has the descriptors, and would wait for a client that has not gone.
test.each(['version=2', 'version=1', ''])(
  'a SIGTERM to gam ends git first, asked for "%s"',
  async (version) => {
    const client = startRawClient(sandbox, ['gam', 'upload-pack', 'large.git'], { GIT_PROTOCOL: version });
    await client.lines();
    // At the end of a child node closes what that read from, and git would see it, too.
    const left = new Promise((resolve) => client.child.once('exit', () => resolve(sandbox.living())));
    client.child.kill('SIGTERM');
    expect(await left).toEqual([]);
    expect(await client.finish()).toBe(143);
  },
);

test('a stock client whose server is killed fails as it does with git alone', async () => {
  const says: unknown[] = [];
  for (const service of ['git-upload-pack', 'gam upload-pack']) {
    const hook = `touch '${sandbox.path('killed')}'; kill -9 $PPID; cat >/dev/null; exec sleep 0`;
    await sandbox.git(['config', '--global', 'uploadpack.packObjectsHook', `sh -c "${hook}" hook`]);
    const url = `file://${sandbox.path('large.git')}`;
    const clone = await sandbox.git(['clone', '-q', `--upload-pack=${service}`, url, 'to'], {
      expectStatus: 128,
    });
    says.push(clone.stderr.replaceAll(/^.*Killed.*\n/gm, ''));
    await expectNoChildren(sandbox);
  }
  expect(says[1]).toEqual(says[0]);
});
