import { randomBytes } from 'node:crypto';
import { readConfig } from '../git/config.ts';
import type { RunOptions } from '../git/run.ts';
import { storedRefs, writeText } from '../git/swap-refs.ts';
import type { Coordinator } from './coordinator.ts';
import { disenrol, enrol, isHalfEnrolled, makeSecret } from './enrol.ts';
import { GROUP_REF, type Group, PUBLISHED, writeGroup } from './group.ts';
import type { HookProgram } from './hook-scripts.ts';
import { checkOwnUrl } from './own-url.ts';
import { makeReplica, type Replica } from './replica.ts';

/** A group to be founded. */
export interface Founding {
  name: string;
  /** The first member. */
  id: string;
  url: string;
  /** `git`, or `etcd:<endpoints>`. */
  coordinator: string;
  program: HookProgram;
  warn: (line: string) => void;
}

/** Makes the state what refs are here. */
async function fillState(coordinator: Coordinator, replica: Replica): Promise<void> {
  const refs = await storedRefs([...replica.group.publish, GROUP_REF], replica.run);
  const lease = await coordinator.lock([...refs.keys()], {
    holder: replica.self.id,
    transaction: 'init',
    signal: AbortSignal.timeout(replica.bounds.lockMs),
  });
  try {
    const state = await coordinator.state();
    const changes = [...refs].map(([ref, { oid }]) => ({ ref, old: state.get(ref) ?? null, new: oid }));
    const gone = [...state].flatMap(([ref, oid]) => (refs.has(ref) ? [] : { ref, old: oid, new: null }));
    await lease.commit([...changes, ...gone].filter((change) => change.old !== change.new));
  } finally {
    await lease.release();
  }
}

/**
 * Founds a group: this repository is its first member, a primary, and, with the `git` coordinator, its arbiter.
 *
 * @param gitDir absolute
 * @throws GamError `member-unreachable`, `bad-url`; nothing has changed then
 */
export async function foundGroup(gitDir: string, founding: Founding, run: RunOptions): Promise<Group> {
  const { name, id, url, coordinator, program, warn } = founding;
  const uid = randomBytes(8).toString('hex');
  const members = [{ id, url, role: 'primary' as const }];
  const group: Group = { name, uid, coordinator, arbiter: id, publish: PUBLISHED, members };
  await checkOwnUrl(url, await writeText(writeGroup(group), run), run);
  const secret = makeSecret();
  const replica = makeReplica(gitDir, { group, id, secret, config: await readConfig(run), run, warn });
  if (await isHalfEnrolled(gitDir, run)) await disenrol(gitDir, run);
  const state = await replica.openCoordinator();
  try {
    // Before pushes are the hook's: a member whose state is empty would be emptied by it.
    await fillState(state, replica);
    await enrol(gitDir, { group, id, secret, program }, run);
    // What plain pushes have changed between the two.
    await fillState(state, replica);
  } catch (error) {
    await disenrol(gitDir, run);
    throw error;
  } finally {
    await state.close();
  }
  return group;
}
