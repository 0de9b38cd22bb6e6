import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startProcess } from '../git/process.ts';
import { gitOutput, runGit } from '../git/run.ts';

function urlOf(folder: string): string {
  return pathToFileURL(folder).href;
}

// Each process has left what it knows. Where one has begun with the code of an earlier one, it knows that, too; of some
// that ran side by side, the largest knows most.
function takeCode(from: string, dist: string): void {
  const size = (file: string) => statSync(join(from, file)).size;
  for (const file of readdirSync(from).sort((a, b) => size(a) - size(b)))
    renameSync(join(from, file), join(dist, file.replace(/\.\d+$/, '')));
}

// A push to one member of a group of two, which asks the other.
async function rehearsePush(folder: string, gam: string, env: Record<string, string>): Promise<void> {
  const [first, second] = ['first', 'second'].map((name) => join(folder, name)) as [string, string];
  for (const member of [first, second]) await gitOutput(['init', '--quiet', '--bare', member], { env });
  const member = async (words: string[], repo: string) =>
    startProcess(process.execPath, [gam, 'replica', ...words, '--repo', repo, '--url', repo], {
      env,
      stdio: 'ignore',
    }).exit;
  await member(['init', 'rehearsal', '--id', 'first'], first);
  await member(['join', first, '--id', 'second'], second);
  await gitOutput(['-C', join(folder, 'canonical'), 'push', '--quiet', second, 'HEAD:refs/heads/main'], {
    env,
  });
}

/**
 * Runs the built gam as it is run most often, and keeps beside it the code that V8 has made of it by then, for
 * bin/load.js. Of functions that never run, V8 makes none: to have it compile everything makes each start slower.
 *
 * @param top gam's folder
 * @throws GamError when git is not there or fails; then gam starts without
 */
export async function rehearse(top: string): Promise<void> {
  const dist = join(top, 'dist');
  const folder = mkdtempSync(join(dist, 'rehearsal-'));
  const codes = join(folder, 'codes');
  const env = {
    PATH: [join(top, 'bin'), process.env['PATH']].join(delimiter),
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'gam',
    GIT_AUTHOR_EMAIL: 'gam@localhost',
    GIT_COMMITTER_NAME: 'gam',
    GIT_COMMITTER_EMAIL: 'gam@localhost',
    GAM_REHEARSAL: codes,
  };
  const keeping = {
    ...env,
    NODE_OPTIONS: `--require=${JSON.stringify(join(top, 'src/main/keep-code.cjs'))}`,
  };
  const [canonical, mirror, clone] = ['canonical', 'mirror', 'clone'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  try {
    mkdirSync(codes);
    await gitOutput(['init', '--quiet', canonical], { env });
    await gitOutput(['-C', canonical, 'commit', '--quiet', '--allow-empty', '--message=one'], { env });
    await gitOutput(['clone', '--quiet', '--mirror', canonical, mirror], { env });
    const ofOrigin = `remote.origin.mirrorUrl=${urlOf(mirror)}`;
    await gitOutput(['-c', ofOrigin, 'clone', '--quiet', `mirror::${urlOf(canonical)}`, clone], {
      env: keeping,
    });
    takeCode(codes, dist);
    // A canonical on the web is talked to in another way; here nobody answers, which is most of that way.
    const nobody = 'http://127.0.0.1:1/';
    const ofNobody = `mirror.${nobody}.url=${urlOf(mirror)}`;
    await runGit(['-C', clone, '-c', ofNobody, 'fetch', '--quiet', `mirror::${nobody}`], { env: keeping });
    const gam = join(top, 'bin/run.js');
    const list = [gam, 'mirrors', 'list'];
    await startProcess(process.execPath, list, { cwd: clone, env: keeping, stdio: 'ignore' }).exit;
    takeCode(codes, dist);
    await gitOutput(['-C', mirror, 'config', 'mirrorList.enabled', 'true'], { env });
    const uploadPack = `--upload-pack='${process.execPath}' '${gam}' upload-pack`;
    await gitOutput(['-c', 'protocol.version=2', 'ls-remote', uploadPack, mirror], { env: keeping });
    takeCode(codes, dist);
    await rehearsePush(folder, gam, keeping);
    takeCode(codes, dist);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
