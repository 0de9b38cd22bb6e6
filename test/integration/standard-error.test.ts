import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloneArguments, type Scene, setScene } from '../helpers/scene.ts';

let scene: Scene;

beforeAll(async () => {
  scene = await setScene({ transport: 'http' });
});

afterAll(() => scene.close());

const O_NONBLOCK = 0o4000;

// Only Linux tells how a descriptor is opened (proc_pid_fdinfo(5)).
test.runIf(process.platform === 'linux')('is left blocking for git, which has it, too', async () => {
  const { sandbox, server } = scene;
  const seen: string[] = [];
  // When the mirror has sent all, and lines to it have ended; git waits for canonical.
  server.before = async (request) => {
    if (request.method !== 'POST' || request.url !== '/canonical.git/git-upload-pack') return;
    for (const { pid, command } of sandbox.living()) {
      if (!/^node .*git-remote-mirror/.test(command)) continue;
      seen.push(readFileSync(`/proc/${pid}/fdinfo/2`, 'utf8'));
    }
  };
  const { stderr } = await sandbox.git(cloneArguments(scene, 'blocking').filter((word) => word !== '-q'));
  server.before = null;
  expect(stderr).toMatch(/^gam: .* from 127\.0\.0\.1:/m);
  expect(seen.length).toBeGreaterThan(1);
  const flags = seen.map((text) => Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(text)?.[1] ?? '', 8));
  expect(flags.every((flag) => Number.isInteger(flag) && (flag & O_NONBLOCK) === 0)).toBe(true);
});

// Fills its standard error, without blocking, says so, and then has something to say.
const FULL = `
import { Socket } from 'node:net';
import { writeSync } from 'node:fs';
import { Report } from ${JSON.stringify(fileURLToPath(new URL('../../src/remote-helper/report.ts', import.meta.url)))};
new Socket({ fd: 2, readable: false });
try { for (;;) writeSync(2, '.'.repeat(512)); } catch (error) { process.stdout.write(error.code); }
new Report().line('a message');
`;

test('a message waits where another program has made it non-blocking, and it is full', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', FULL]);
  try {
    const [full] = (await once(child.stdout, 'data')) as [Buffer];
    expect(full.toString()).toBe('EAGAIN');
    let text = '';
    for await (const chunk of child.stderr) text += String(chunk);
    expect(text).toMatch(/^\.+gam: a message\n$/);
  } finally {
    child.kill('SIGKILL');
  }
});
