import { type Group, isPrimary, type Member, type Role } from './group.ts';

/** A migration's steps. In two of them both are primaries: the old one is warned about in the second. */
export const STEPS = [
  { name: 'old-only', phase: 1, says: 'the old one alone' },
  { name: 'new-follows', phase: 2, says: 'the new one follows' },
  { name: 'both-primary', phase: 3, says: 'both are primaries' },
  { name: 'old-warns', phase: 3, says: 'both are primaries, and the old one warns who pushes to it' },
  { name: 'old-follows', phase: 4, says: 'the old one follows, and refuses pushes' },
  { name: 'new-only', phase: 5, says: 'the new one alone' },
] as const;

export type Step = (typeof STEPS)[number];

/** From which member to which a repository moves; null: that one is not known. */
export interface Migration {
  from: string | null;
  to: string | null;
}

/**
 * Which members a migration is between: those that the group's document names, or, while it names none, the two that there are.
 * @returns nulls where more than two could be meant
 */
export function migrationOf(group: Group, given: Partial<Migration> = {}): Migration {
  const { migration, members, arbiter } = group;
  const ids = members.map(({ id }) => id);
  const primaries = members.filter(isPrimary).map(({ id }) => id);
  const [only] = primaries;
  // The arbiter moves last, so it is the old one; with another coordinator, the one that is primary alone.
  const guessed = primaries.length === 1 ? only : ids.includes(arbiter) ? arbiter : undefined;
  const from = given.from ?? migration?.from ?? (ids.length <= 2 ? guessed : undefined) ?? null;
  const others = ids.filter((id) => id !== from);
  const to = given.to ?? migration?.to ?? (others.length === 1 ? others[0] : undefined) ?? null;
  return { from, to };
}

const ROLES: Readonly<Record<string, readonly [Role, Role]>> = {
  'new-follows': ['primary', 'follower'],
  'both-primary': ['primary', 'primary'],
  'old-warns': ['deprecated', 'primary'],
  'old-follows': ['refusing', 'primary'],
};

/** What roles the old and the new one have at a step at which both are there. */
export function rolesAt(step: string): readonly [old: Role, next: Role] | undefined {
  return ROLES[step];
}

/** Where a migration stands, by the roles that members have; null where these are of no step. */
export function stepOf(group: Group, { from, to }: Migration): Step | null {
  const role = (id: string | null) => group.members.find((member) => member.id === id)?.role;
  const [old, next] = [role(from), role(to)];
  const named = (name: string) => STEPS.find((step) => step.name === name) ?? null;
  if (old !== undefined && next === undefined) return old === 'primary' ? named('old-only') : null;
  if (old === undefined) return next === 'primary' ? named('new-only') : null;
  const [found] = Object.entries(ROLES).find(([, [a, b]]) => a === old && b === next) ?? [''];
  return named(found);
}

/** Who takes the pushes, and is to be asked, in place of a member: the one that it moves to, or some other primary. */
export function successorOf(group: Group, id: string): Member | undefined {
  const primaries = group.members.filter((member) => isPrimary(member) && member.id !== id);
  const heir = group.migration?.from === id ? group.migration.to : null;
  return (
    primaries.find((member) => member.id === heir) ??
    primaries.find(({ role }) => role === 'primary') ??
    primaries[0]
  );
}

/** States of a mirror list that clients of gam are told, by the roles that make them look elsewhere. */
const LIST_STATES: Partial<Record<Role, string>> = { deprecated: 'deprecated', refusing: 'refusing' };

/**
 * What a member's configuration says beside the document that all have: for clients of gam, that it goes, and where to.
 * @returns variables and their values
 */
export function ownVariables(group: Group, id: string): [string, string][] {
  const role = group.members.find((member) => member.id === id)?.role;
  const state = role === undefined ? undefined : LIST_STATES[role];
  const heir = successorOf(group, id);
  if (state === undefined || heir === undefined) return [];
  return [
    ['mirrorList.enabled', 'true'],
    ['mirrorList.state', state],
    ['mirrorList.successor', heir.url],
  ];
}
