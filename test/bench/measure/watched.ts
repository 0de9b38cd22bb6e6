import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { gamServe } from '../../helpers/gam-serve.ts';
import type { Sandbox } from '../../helpers/sandbox.ts';
import type { Sample } from './row.ts';
import type { Stage } from './stage.ts';

/** A server, or who watches, has to last for all rounds; and is no part of what a measurement waits for. */
const APART = { env: { GAM_TEST_SANDBOX: undefined }, timeout: 2 * 60 * 60_000 };
/** So long the first look at a large folder may take, on a busy machine. */
const PATIENCE_MS = 120_000;
/** Of processor times in proc(5): what sysconf(_SC_CLK_TCK) says on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A `gam watch run`. */
export interface Watching {
  pid: number;
  /** The folder, in the sandbox. */
  folder: string;
}

/** A bare repository that takes pushes from everybody, behind a gam serve. The sandbox ends it. */
export async function serveBare(
  { sandbox }: Stage,
  name: string,
): Promise<{ url: string; port: number; path: string }> {
  const path = `${name}/project.git`;
  await sandbox.git(['init', '-q', '--bare', path]);
  await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: path });
  const { url, port } = await gamServe(sandbox, name, ['-q'], APART);
  return { url: `${url}/project.git`, port, path: '/project.git' };
}

/** Commits so many files of one line, a hundred in a folder, to main of the repository that serveBare() has made. */
export async function importFiles({ sandbox }: Stage, name: string, files: number): Promise<void> {
  const written = Array.from({ length: files }, (_, index) => {
    const text = `file ${index}\n`;
    return `M 644 inline part-${Math.floor(index / 100)}/file-${index}\ndata ${text.length}\n${text}\n`;
  });
  const head = 'commit refs/heads/main\ncommitter C <c@example.com> 1700000000 +0000\ndata 5\nfiles\n';
  await sandbox.git(['fast-import', '--quiet'], {
    cwd: `${name}/project.git`,
    input: head + written.join(''),
  });
}

async function untilInStep(sandbox: Sandbox, env: Readonly<Record<string, string>>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const args = ['watch', 'status', '--json'];
    const { stdout } = await sandbox.run('gam', args, { env, expectStatus: null });
    const { folders } = JSON.parse(stdout) as { folders: { state: string; why?: string | null }[] };
    if (folders.length > 0 && folders.every(({ state }) => state === 'in-step')) return;
    if (performance.now() > end) throw new Error(`never in step: ${stdout}`);
    await pause(200);
  }
}

/**
 * Clones a repository, and watches the clone with what is preset, on a machine of its own: nothing that gam keeps is shared.
 * @returns once it is in step. The sandbox ends it.
 */
export async function watchClone({ sandbox }: Stage, name: string, url: string): Promise<Watching> {
  const folder = `${name}-clone`;
  const home = (part: string) => sandbox.path(`${name}-home`, part);
  const env = { XDG_CONFIG_HOME: home('config'), XDG_STATE_HOME: home('state') };
  await sandbox.git(['clone', '-q', url, folder], { timeout: PATIENCE_MS });
  await sandbox.git(['symbolic-ref', 'HEAD', 'refs/heads/main'], { cwd: folder });
  await sandbox.run('gam', ['watch', 'add', folder, '-q'], { env });
  const watching = sandbox.start('gam', ['watch', 'run', '-q'], { ...APART, env: { ...env, ...APART.env } });
  await untilInStep(sandbox, env);
  return { pid: watching.child.pid ?? 0, folder };
}

// Of the process, and of those that it has started and seen the end of: utime, stime, cutime, cstime (proc(5)).
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in brackets, and may hold anything.
  const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return words.slice(11, 15).reduce((sum, word) => sum + Number(word), 0) / TICKS_PER_SECOND;
}

/** Looks at a process for so long: its memory in the end, its largest ever (proc(5)), and its share of one core with all that it starts. */
export async function restOf({ pid }: Watching, milliseconds: number): Promise<Sample> {
  const start = performance.now();
  const before = processorTime(pid);
  await pause(milliseconds);
  const spent = processorTime(pid) - before;
  const time = performance.now() - start;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name: string) =>
    1024 * Number(new RegExp(`^${name}:\\s+([0-9]+) kB$`, 'm').exec(status)?.[1]);
  return {
    time,
    fromMirrors: 0,
    fromCanonical: 0,
    memory: bytes('VmRSS'),
    peak: bytes('VmHWM'),
    processor: (1000 * spent) / time,
  };
}
