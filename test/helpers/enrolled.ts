import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '../../src/main/version.ts';
import { enrol } from '../../src/replica/enrol.ts';
import { GROUP_REF, type Group, PUBLISHED, type Role } from '../../src/replica/group.ts';
import { stateRef } from '../../src/replica/group-refs.ts';
import type { Sandbox } from './sandbox.ts';

/** A repository that is to be a member. */
export interface Enrolled {
  id: string;
  /** Absolute. */
  gitDir: string;
  /** How the others reach it; its path, where nobody says otherwise. */
  url?: string;
  role?: Role;
}

/** A test that needs a group of its own would found it for seconds; join.test.ts sees that this comes to the same. */
const FOUNDING = { name: 'demo', uid: '0123456789abcdef', coordinator: 'git', publish: PUBLISHED } as const;
const SECRET = '5eed'.repeat(16);

const PROGRAM = {
  node: process.execPath,
  program: fileURLToPath(new URL('../../bin/member.js', import.meta.url)),
  version: VERSION,
};

function replaceIn(file: string, from: string, to: string): void {
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(from, to));
}

/**
 * Makes repositories a group, with all that `gam replica init` and `gam replica join` would have left in them. The first is there, and
 * becomes the arbiter; the others are made, as its copies.
 */
export async function enrolMembers(sandbox: Sandbox, enrolled: readonly Enrolled[]): Promise<void> {
  const [first, ...others] = enrolled;
  if (first === undefined) throw new Error('a group has members');
  const members = enrolled.map(({ id, gitDir, url = gitDir, role = 'primary' }) => ({ id, url, role }));
  const group: Group = { ...FOUNDING, arbiter: first.id, members };
  const run = { cwd: first.gitDir, env: sandbox.env };
  await enrol(first.gitDir, { group, id: first.id, secret: SECRET, program: PROGRAM }, run);
  for (const { id, gitDir } of others) {
    cpSync(first.gitDir, gitDir, { recursive: true });
    replaceIn(join(gitDir, 'config'), `self = ${first.id}`, `self = ${id}`);
    replaceIn(join(gitDir, 'hooks/before-gam/.gam-record'), first.gitDir, gitDir);
  }
  const args = ['for-each-ref', '--format=%(refname) %(objectname)', ...PUBLISHED, GROUP_REF];
  const { stdout } = await sandbox.git(args, { cwd: first.gitDir });
  const state = stdout.replaceAll(/^\S+/gm, (ref) => `create ${stateRef(ref)}`);
  await sandbox.git(['update-ref', '--stdin'], { cwd: first.gitDir, input: state });
}
