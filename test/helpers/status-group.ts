import type { GroupStatus } from '../../src/replica/status.ts';
import { enrolMembers } from './enrolled.ts';
import { initBare } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

/** Members of a group in a sandbox: `<id>.git`, with a clone at `work`. */
export interface StatusGroup {
  /** A commit on top of what is pushed last, pushed to a member's main. */
  push(to: string): Promise<string>;
  /** Says what git's configuration says of a member, as an administrator does. */
  set(id: string, key: string, value: string): Promise<void>;
  /** Moves a ref of a member past gam: by whoever does what the guard would refuse. */
  moveRef(id: string, ref: string, oid: string): Promise<void>;
  /** What `gam replica status --json` tells, seen from a member. */
  status(id: string): Promise<{ code: number | null; status: GroupStatus }>;
}

/** Makes a group: the first member is a primary and the arbiter, each other one what is said. */
export async function foundStatusGroup(
  sandbox: Sandbox,
  members: Readonly<Record<string, 'primary' | 'follower'>>,
): Promise<StatusGroup> {
  const [first = ''] = Object.keys(members);
  const path = (id: string) => sandbox.path(`${id}.git`);
  await initBare(sandbox, `${first}.git`);
  await sandbox.git(['clone', '--quiet', path(first), 'work']);
  const cwd = 'work';
  const commit = async () => {
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', 'more'], { cwd });
    return (await sandbox.git(['rev-parse', 'HEAD'], { cwd })).stdout.trim();
  };
  await commit();
  await sandbox.git(['push', '--quiet', path(first), 'HEAD:refs/heads/main'], { cwd });
  await enrolMembers(
    sandbox,
    Object.entries(members).map(([id, role]) => ({ id, gitDir: path(id), role })),
  );
  return {
    push: async (to) => {
      const oid = await commit();
      await sandbox.git(['push', '--quiet', path(to), 'HEAD:refs/heads/main'], { cwd });
      return oid;
    },
    set: async (id, key, value) => {
      await sandbox.git(['config', key, value], { cwd: `${id}.git` });
    },
    moveRef: async (id, ref, oid) => {
      const env = { GAM_REPLICA_MOVES: '1' };
      await sandbox.git(['update-ref', ref, oid], { cwd: `${id}.git`, env });
    },
    status: async (id) => {
      const args = ['replica', 'status', '--json', '--repo', path(id)];
      const { status: code, stdout } = await sandbox.run('gam', args, { expectStatus: null });
      return { code, status: JSON.parse(stdout) as GroupStatus };
    },
  };
}
