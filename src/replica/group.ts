import { allValues, type ConfigEntry, lastValue } from '../config/entries.ts';
import { writeVariables } from '../config/write.ts';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

/** What a member does with pushes; see the table in ARCHITECTURE.md, "Replicas". */
export const ROLES = ['primary', 'follower', 'hosted', 'deprecated', 'refusing', 'retired'] as const;
export type Role = (typeof ROLES)[number];

/** One place of the group's repository. */
export interface Member {
  id: string;
  url: string;
  role: Role;
  /**
   * Of a hosted member: nothing more goes either way while a ref has moved apart; or branches that have are merged where git can. Else
   * the other refs go on.
   */
  onConflict?: 'stop' | 'merge';
}

/** Several places of one repository, as every member has it in its configuration. */
export interface Group {
  name: string;
  /** Tells apart groups that are named alike. */
  uid: string;
  /** `git`, or `etcd:<endpoints>`. */
  coordinator: string;
  /** The member in whose refs the `git` coordinator keeps locks and state. */
  arbiter: string;
  /** Beneath these, refs are kept alike on all members. */
  publish: readonly string[];
  members: readonly Member[];
  /** Where the repository moves (migration.ts). */
  migration?: { from: string; to: string };
}

/** What is published where nobody says otherwise. */
export const PUBLISHED = ['refs/heads/', 'refs/tags/', 'refs/notes/'] as const;

/** The group's document: its text is git configuration, and every member has it under this name. */
export const GROUP_REF = 'refs/gam/group';

const ID = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/**
 * Checks a member's id or a group's name: they stand in ref names, in configuration and in what users read.
 * @throws GamError `usage`
 */
export function checkId(what: string, id: string): string {
  if (ID.test(id)) return id;
  throw new GamError('usage', `'${printable(id, 60)}' cannot be ${what}`, {
    suggestion: 'take lower-case letters, digits and -, at most 32 of them, such as eu-1',
  });
}

/** Whether a ref is kept alike on all members. */
export function isPublished(group: Pick<Group, 'publish'>, ref: string): boolean {
  return group.publish.some((prefix) => ref.startsWith(prefix));
}

/** Whether members of this role move in lock-step, and count for the quorum. */
export function isPrimary({ role }: Member): boolean {
  return role === 'primary' || role === 'deprecated';
}

/** Whether members of this role are sent what the primaries have. */
export function follows({ role }: Member): boolean {
  return role === 'follower' || role === 'refusing';
}

/** Whether members of this role are told of what has moved. */
export function isTold({ role }: Member): boolean {
  return role !== 'retired';
}

/** So many primaries must have a push before it is acknowledged: more than half of them. */
export function quorum(group: Group): number {
  return Math.floor(group.members.filter(isPrimary).length / 2) + 1;
}

/** Settings that every member needs, whatever its configuration says beside. */
function settings(publish: readonly string[]): [string, string][] {
  const taken = [...publish.map((prefix) => prefix.replace(/\/$/, '')), 'refs/gam/request'];
  return [
    // What the group keeps for itself is nobody's to fetch or to push; members' requests alone come in.
    ['transfer.hideRefs', 'refs/gam'],
    ['transfer.hideRefs', '!refs/gam/request'],
    ...taken.map((ref): [string, string] => ['receive.procReceiveRefs', ref]),
    // Each push makes several between members, and would look each time whether there is something to tidy up; the hook does now and then.
    ['receive.autogc', 'false'],
    // What members ask, if it is short, comes as one.
    ['receive.advertisePushOptions', 'true'],
    // A member that lacks objects asks for them by id.
    ['uploadpack.allowTipSHA1InWant', 'true'],
  ];
}

/** Writes the group's document: a file of git configuration (git-config(1)), the same on all members. */
export function writeGroup(group: Group): string {
  const variables: [string, string][] = [
    ['replica.group', group.name],
    ['replica.uid', group.uid],
    ['replica.coordinator', group.coordinator],
    ['replica.arbiter', group.arbiter],
    ...group.publish.map((prefix): [string, string] => ['replica.publish', prefix]),
    ...(group.migration === undefined
      ? []
      : ([
          ['replica.movesFrom', group.migration.from],
          ['replica.movesTo', group.migration.to],
        ] as [string, string][])),
    ...group.members.flatMap(({ id, url, role, onConflict }): [string, string][] => [
      [`replica.${id}.url`, url],
      [`replica.${id}.role`, role],
      ...(onConflict === undefined ? [] : [[`replica.${id}.onConflict`, onConflict] as [string, string]]),
    ]),
    ...settings(group.publish),
  ];
  return writeVariables(variables);
}

/**
 * Reads the group from a member's configuration, or from the document alone.
 * @returns null where there is none
 * @throws GamError `bad-config`
 */
export function readGroup(entries: readonly ConfigEntry[]): Group | null {
  const value = (id: string | null, name: string) => lastValue(entries, 'replica', id, name);
  const name = value(null, 'group');
  if (name === undefined) return null;
  // What a server says beside of one that has left, such as where a secret is, makes no member of it.
  const ids = entries
    .filter((entry) => entry.section === 'replica' && ['url', 'role'].includes(entry.name))
    .flatMap(({ subsection }) => subsection ?? []);
  const members = [...new Set(ids)].map((id) => {
    const url = value(id, 'url');
    const role = ROLES.find((one) => one === (value(id, 'role') ?? 'primary'));
    if (url === undefined || role === undefined || !ID.test(id))
      throw new GamError(
        'bad-config',
        `replica.${printable(id, 60)} is no member: it needs a url and a role`,
        {
          suggestion: `roles are ${ROLES.join(', ')}`,
        },
      );
    const onConflict = (['stop', 'merge'] as const).find((one) => one === value(id, 'onconflict'));
    return { id, url, role, ...(onConflict === undefined ? {} : { onConflict }) };
  });
  const publish = allValues(entries, 'replica', null, 'publish');
  const [from, to] = [value(null, 'movesfrom'), value(null, 'movesto')];
  return {
    name,
    uid: value(null, 'uid') ?? '',
    coordinator: value(null, 'coordinator') ?? 'git',
    arbiter: value(null, 'arbiter') ?? members[0]?.id ?? '',
    publish: publish.length > 0 ? publish : PUBLISHED,
    members,
    ...(from === undefined || to === undefined ? {} : { migration: { from, to } }),
  };
}

/**
 * The member of an id.
 * @throws GamError `usage`
 */
export function memberOf(group: Group, id: string): Member {
  const member = group.members.find((one) => one.id === id);
  if (member !== undefined) return member;
  const ids = group.members.map((one) => one.id).join(', ');
  throw new GamError('usage', `'${printable(id, 60)}' is no member of ${group.name}`, {
    suggestion: `its members are ${ids}`,
  });
}
