// Makes a fresh clone ready for `npm test`, `npm run demo` and `npm install --global .`: installs what package-lock.json names
// when node_modules is missing or older, and builds dist/ when a source is newer than it.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../..', import.meta.url));

function time(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newest(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, time(join(entry.parentPath ?? entry.path, entry.name))), 0);
}

// `npm install --global .` runs this as its prepare step, in an environment that would make every npm below
// it a global one, too.
const local = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_config_(global|prefix|location)$/i.test(name)),
);

function npm(...args) {
  const run = spawnSync('npm', args, {
    cwd: top,
    env: local,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (run.status !== 0) {
    console.error(`npm ${args.join(' ')} failed; run it by hand to see why`);
    process.exit(1);
  }
}

if (time(join(top, 'node_modules/.package-lock.json')) < time(join(top, 'package-lock.json'))) {
  console.error('installing what package-lock.json names ...');
  npm('ci', '--no-audit', '--no-fund', '--silent');
}

const built = time(join(top, 'dist/git-remote-mirror.cjs'));
if (
  built < Math.max(newest(join(top, 'src')), newest(join(top, 'commands')), time(join(top, 'package.json')))
) {
  console.error('building dist/ ...');
  npm('run', '--silent', 'build');
}
