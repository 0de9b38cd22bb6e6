import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import { fetchObjects, missingObjects, unreached } from '../git/reach.ts';
import { gitOutput, type RunOptions, runGit } from '../git/run.ts';
import { writeText } from '../git/swap-refs.ts';
import { redactUrl } from '../protocol/redact.ts';
import { catchUp, valuesHere } from './catch-up.ts';
import { changeGroup } from './change-group.ts';
import { parseDocument } from './document.ts';
import { disenrol, enrol, isHalfEnrolled } from './enrol.ts';
import { GROUP_REF, type Group, isPublished, type Member } from './group.ts';
import type { HookProgram } from './hook-scripts.ts';
import { PushLine } from './member-line.ts';
import { checkOwnUrl } from './own-url.ts';
import { formatOf, makeReplica, type Replica } from './replica.ts';
import { wakeHere } from './wake.ts';

/** How a repository joins. */
export interface Joining {
  /** A member of the group. */
  from: string;
  member: Member;
  secret: string;
  /** Whether refs that the group has not, or has otherwise, are kept aside. */
  keepAside: boolean;
  program: HookProgram;
  warn: (line: string) => void;
  tell: (line: string) => void;
}

/** For so long the member that is asked first may be silent. */
const PATIENCE_MS = 30_000;

async function askGroup({ from, member, secret }: Joining, run: RunOptions): Promise<Group> {
  const format = formatOf(await readConfig(run));
  const line = new PushLine(from, { ...run, from: member.id, secret, format, patienceMs: PATIENCE_MS });
  const told = await line.ask({ kind: 'list', prefixes: [GROUP_REF] });
  const text = told.kind === 'refs' ? told.refs.get(GROUP_REF)?.text : null;
  const group = text ? await parseDocument(text, run) : null;
  if (group !== null) return group;
  throw new GamError('bad-config', `${redactUrl(from)} does not tell its group`);
}

/** Whether a member is in the group already as what it is to be: whoever made it join was killed behind that. */
function isJoined(group: Group, { id, url }: Member): boolean {
  return group.members.some((one) => one.id === id && one.url === url);
}

function checkMember(group: Group, member: Member): void {
  if (isJoined(group, member)) return;
  const same = group.members.find(({ id }) => id === member.id);
  if (same !== undefined)
    throw new GamError('usage', `${group.name} has a member ${member.id} already: ${redactUrl(same.url)}`, {
      suggestion: 'take another --id',
    });
  const there = group.members.find(({ url }) => url === member.url);
  if (there !== undefined)
    throw new GamError('usage', `${redactUrl(member.url)} is in ${group.name} already, as ${there.id}`, {
      suggestion: '--url is how the other members reach this repository',
    });
}

/** How many refs are named that differ. */
const NAMED = 5;

// What is here and not in the group would be overwritten, and what the group's members have would be a surprise to whoever uses this one.
async function checkHistories(replica: Replica, joining: Joining): Promise<void> {
  const { run, group } = replica;
  const coordinator = await replica.openCoordinator();
  const state = await coordinator.state().finally(() => coordinator.close());
  const wanted = new Map([...state].filter(([ref]) => ref === GROUP_REF || isPublished(group, ref)));
  const missing = await missingObjects([...wanted.values()], run);
  if (missing.length > 0 && !(await fetchObjects(joining.from, missing, run)))
    for (const { url } of group.members) if (await fetchObjects(url, missing, run)) break;
  const here = [...(await valuesHere(replica))].filter(([ref]) => ref !== GROUP_REF);
  const lost = await unreached(
    here.map(([, oid]) => oid),
    [...wanted.values()],
    run,
  );
  const different = here.flatMap(([ref, oid]) => (lost.has(oid) ? [ref] : []));
  if (different.length === 0 || joining.keepAside) return;
  const more = different.length > NAMED ? ` and ${different.length - NAMED} more` : '';
  throw new GamError(
    'histories-differ',
    `${group.name} has not what is here at ${different.slice(0, NAMED).join(', ')}${more}`,
    {
      suggestion:
        'push it to a member first; or join with --keep-aside: what is here then lies under refs/gam/diverged/, and the group counts',
    },
  );
}

async function followHead({ group, run }: Replica, from: string): Promise<void> {
  const told = await runGit(['ls-remote', '--symref', '--', from, 'HEAD'], { ...run, talks: 'alone' });
  const branch = /^ref: (\S+)\tHEAD$/m.exec(told.stdout)?.[1];
  if (branch !== undefined && isPublished(group, branch))
    await gitOutput(['symbolic-ref', 'HEAD', branch], run);
}

async function bringUpToDate(replica: Replica, tell: (line: string) => void): Promise<void> {
  try {
    const { moved } = await catchUp(replica);
    tell(`${moved.length} refs brought up to date`);
  } catch (error) {
    wakeHere(replica.gitDir);
    tell(`it is a member, and not up to date yet: ${(error as Error).message}`);
  }
}

/**
 * Makes a repository a member of a group.
 *
 * @param gitDir absolute
 * @throws GamError `member-unreachable`, `bad-url`, `usage`, `histories-differ`: nothing has changed then, but for objects
 */
export async function joinGroup(gitDir: string, joining: Joining, run: RunOptions): Promise<Group> {
  const { member, secret, program, warn, tell, from } = joining;
  const group = await askGroup(joining, run);
  checkMember(group, member);
  await checkOwnUrl(member.url, await writeText('gam\n', run), run);
  const config = await readConfig(run);
  const add = (now: Group) => (isJoined(now, member) ? now : { ...now, members: [...now.members, member] });
  const replica = makeReplica(gitDir, { group: add(group), id: member.id, secret, config, run, warn });
  await checkHistories(replica, joining);
  if (await isHalfEnrolled(gitDir, run)) await disenrol(gitDir, run);
  let changed: Group;
  try {
    await enrol(gitDir, { group, id: member.id, secret, program }, run);
    changed = await changeGroup(
      replica,
      (now) => {
        checkMember(now, member);
        return add(now);
      },
      tell,
    );
  } catch (error) {
    await disenrol(gitDir, run);
    throw error;
  }
  // It is a member from here on, whatever happens.
  await enrol(gitDir, { group: changed, id: member.id, secret, program }, run);
  await followHead(replica, from);
  await bringUpToDate(makeReplica(gitDir, { ...replica, group: changed, id: member.id, warn }), tell);
  return changed;
}
