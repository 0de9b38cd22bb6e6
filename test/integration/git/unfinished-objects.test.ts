import assert from 'node:assert/strict';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, it } from 'vitest';
import { clearUnfinishedObjects } from '../../../src/git/unfinished-objects.ts';
import { findWorkTree } from '../../../src/git/work-tree.ts';
import { fsckComplaints } from '../../helpers/evidence.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

const sandbox = makeSandbox();
afterAll(() => sandbox.close());

it.skipIf(process.platform !== 'linux')(
  'what a full disk kept git from ending goes, but nothing of a git that is at work, or has just been',
  async () => {
    await sandbox.git(['init', '-q', 'repo']);
    await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'first'], { cwd: 'repo' });
    const workTree = await findWorkTree({ cwd: sandbox.path('repo'), env: sandbox.env });
    const path = (name: string) => sandbox.path('repo/.git/objects', name);
    const begin = (name: string, age: number) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), 'half');
      const time = Date.now() / 1000 - age;
      utimesSync(path(name), time, time);
    };
    const left = ['e8/tmp_obj_6gjW82', 'pack/tmp_pack_a1b2c3', 'pack/tmp_idx_a1b2c3'];
    // Not git's unfinished objects, or not to be known as such.
    const others = ['tmp_objdir-gam-1/aa', 'pack/pack-1.keep', 'info/tmp_obj_1'];
    for (const name of [...left, ...others]) begin(name, 5);
    begin('e8/tmp_obj_young', -60);

    const git = sandbox.start('git', ['-c', 'alias.wait=!exec sleep 1000', 'wait'], { cwd: 'repo' });
    clearUnfinishedObjects(workTree);
    assert.deepEqual(
      left.filter((name) => !existsSync(path(name))),
      [],
    );
    git.kill('SIGKILL');
    await git.ended;

    clearUnfinishedObjects(workTree);
    assert.deepEqual(
      left.filter((name) => existsSync(path(name))),
      [],
    );
    for (const name of [...others, 'e8/tmp_obj_young']) assert.ok(existsSync(path(name)), name);
    assert.deepEqual(await fsckComplaints(sandbox, 'repo'), []);
  },
);
