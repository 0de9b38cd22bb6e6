import { copyFileSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Desk, makeDesk } from '../../helpers/commandline.ts';

const TOP = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAMS = ['git-remote-mirror.js', 'run.js'];

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
  for (const part of ['bin', 'dist']) cpSync(join(TOP, part), join(desk.top, part), { recursive: true });
  // Tells whether V8 has refused the code that came with the program's bundle; undefined where none came.
  writeFileSync(
    join(desk.top, 'look.cjs'),
    `const vm = require('node:vm');
    vm.Script = class extends vm.Script {
      constructor(source, options) {
        super(source, options);
        if (!options.filename.endsWith('errors.cjs')) process.stderr.write(\`refused: \${this.cachedDataRejected}\`);
      }
    };`,
  );
});
afterEach(() => desk.remove());

const start = (program: string) =>
  desk.run(process.execPath, ['--require=./look.cjs', join('bin', program), '--version']);
const code = (program: string) => {
  const bundle = program === 'run.js' ? 'gam.cjs' : 'git-remote-mirror.cjs';
  const name = readdirSync(join(desk.top, 'dist')).find((file) => file.startsWith(`${bundle}.v`));
  return join(desk.top, 'dist', name ?? '');
};

describe.each(PROGRAMS)('%s', (program) => {
  test('starts from the code that was made when gam was built', async () => {
    expect(await start(program)).toEqual({
      status: 0,
      stdout: expect.stringContaining('gam '),
      stderr: 'refused: false',
    });
  });

  test.each([
    ['of another program', 'true', (file: string) => copyFileSync(process.execPath, file)],
    ['torn', 'true', (file: string) => writeFileSync(file, '')],
    ['gone', 'undefined', (file: string) => rmSync(file)],
  ])('starts without it where it is %s', async (_, refused, spoil) => {
    spoil(code(program));
    expect(await start(program)).toEqual({
      status: 0,
      stdout: expect.stringContaining('gam '),
      stderr: `refused: ${refused}`,
    });
  });

  test('starts without it where the bundle is another', async () => {
    const bundle = code(program).replace(/\.v[^/]*$/, '');
    writeFileSync(bundle, `process.stdout.write('gam, another\\n');`);
    expect(await start(program)).toEqual({ status: 0, stdout: 'gam, another\n', stderr: 'refused: true' });
  });
});
