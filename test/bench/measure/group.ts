import { gamServe } from '../../helpers/gam-serve.ts';
import type { Stage } from './stage.ts';

/** A server has to last for all rounds; and is no part of what a measurement waits for. */
const APART = { env: { GAM_TEST_SANDBOX: undefined }, timeout: 2 * 60 * 60_000 };

/** Repositories behind a server each, on this machine with no line between. */
export interface Served {
  /** How each is pushed to. */
  urls: string[];
  /** The folder of each in the sandbox. */
  folders: string[];
}

/** Three bare repositories that take pushes from everybody, behind a gam serve each. The sandbox ends them. */
export async function servedThrice({ sandbox }: Stage, name: string): Promise<Served> {
  const urls: string[] = [];
  const folders: string[] = [];
  for (const place of ['eu', 'us', 'as']) {
    const folder = `${name}-${place}/project.git`;
    await sandbox.git(['init', '-q', '--bare', folder]);
    await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: folder });
    const { url } = await gamServe(sandbox, `${name}-${place}`, ['-q'], APART);
    urls.push(`${url}/project.git`);
    folders.push(folder);
  }
  return { urls, folders };
}

/** The same, as a group of three primaries; the first one is the arbiter. */
export async function servedGroup(stage: Stage, name: string): Promise<Served> {
  const served = await servedThrice(stage, name);
  const { sandbox } = stage;
  const [first = ''] = served.folders;
  const secret = sandbox.path(first, 'gam/replica/secret');
  for (const [n, id] of ['eu', 'us', 'as'].entries()) {
    const own = ['--id', id, '--url', served.urls[n] ?? '', '--repo', sandbox.path(served.folders[n] ?? '')];
    const words = n === 0 ? ['init', 'project'] : ['join', served.urls[0] ?? '', '--secret', secret];
    await sandbox.run('gam', ['replica', ...words, ...own, '-q']);
  }
  return served;
}

/** Makes a clone with one commit, and the refs that it pushes. */
export async function makePusher({ sandbox }: Stage, cwd: string): Promise<void> {
  await sandbox.git(['init', '-q', cwd]);
  await sandbox.git(['config', 'gc.auto', '0'], { cwd });
  await commit({ sandbox } as Stage, cwd);
}

/** Adds a commit to a clone, for the next push to bring. */
export async function commit({ sandbox }: Stage, cwd: string): Promise<void> {
  await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'more'], { cwd });
}
