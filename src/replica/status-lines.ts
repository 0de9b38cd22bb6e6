import { formatAge } from '../mirror/account.ts';
import type { Column } from '../mirror/mirror-columns.ts';
import { printable } from '../protocol/text.ts';
import type { BehindRef, MemberStatus } from './member-status.ts';
import type { AgedLock, GroupStatus } from './status.ts';

/** What is said of a group, for whoever lays it out. */
export interface StatusText {
  heading: string[];
  /** One row a member. */
  columns: Column[];
  /** Where each member is: a column for behind the others, where there is room. */
  urls: Column;
  /** Lines of their own, in groups of what belongs together. */
  notes: string[][];
}

/** So many refs of a member are named, unless all are asked for. */
const FEW = 3;

const age = (ms: number) => formatAge(Math.max(0, ms) / 1000);
const short = (oid: string) => oid.slice(0, 10);

function stateOf({ state, refsBehind, refsDiverged }: MemberStatus): string {
  if (state === 'behind') return `${refsBehind} behind`;
  if (state === 'diverged') return `${refsDiverged} diverged`;
  return state === 'unknown' ? 'answers' : state;
}

function columnsOf(members: readonly MemberStatus[], now: number): Column[] {
  const column = (header: string, worth: number, cell: (member: MemberStatus) => string | null): Column => ({
    header,
    worth,
    cells: members.map(cell),
  });
  return [
    column('MEMBER', 5, ({ id, self }) => (self ? `${id} *` : id)),
    column('ROLE', 3, ({ role }) => role),
    column('STATE', 4, stateOf),
    column('SINCE', 1, ({ since }) => (since === null ? null : age(now - Date.parse(since)))),
    column('QUEUE', 2, ({ queued, queuedMs }) => (queuedMs === null ? null : `${queued}, ${age(queuedMs)}`)),
  ];
}

function refNote(id: string, { ref, has, meant, diverged, since }: BehindRef, now: number): string {
  const is = has === null ? 'is not there' : `is ${short(has)}`;
  const should = meant === null ? 'should be gone' : `should be ${short(meant)}`;
  const lasting = since === null ? '' : `, for ${age(now - Date.parse(since))} at least`;
  const strange = diverged ? '; the group never had that' : '';
  return `${id}: ${printable(ref)} ${is}, ${should}${lasting}${strange}`;
}

function memberNotes(member: MemberStatus, all: boolean, now: number): string[] {
  const { apart, id, lastCurrent, lastFailure, reason, refs, refsUnlike } = member;
  // What is so now need not be told again of a moment ago.
  const failed =
    lastFailure === null || (reason !== null && lastFailure.reason.endsWith(reason))
      ? []
      : [`${id}: failed ${age(now - Date.parse(lastFailure.at))} ago: ${lastFailure.reason}`];
  if (reason !== null) {
    const seen = lastCurrent === null ? '' : `; last seen current ${age(now - Date.parse(lastCurrent))} ago`;
    return [`${id}: ${reason}${seen}`, ...failed];
  }
  if (refsUnlike !== null && !member.self)
    return [`${id}: ${refsUnlike === 0 ? 'all refs are' : `${refsUnlike} refs are not`} as they are here`];
  // Those that somebody must see to come first.
  const sorted = [...(refs ?? [])].sort((a, b) => Number(b.diverged) - Number(a.diverged));
  const named = all || sorted.length <= FEW + 1 ? sorted : sorted.slice(0, FEW);
  const rest = sorted.length - named.length;
  return [
    ...named.map((one) => refNote(id, one, now)),
    ...apart.map((ref) => `${id}: ${ref} has moved apart; merge both tips, and push that to either side`),
    ...failed,
    ...(rest > 0 ? [`${id}: ${rest} more refs are behind; --refs names them`] : []),
  ];
}

/** A lock in one line. */
export function lockLine({ ref, holder, ageMs, leaseMs }: AgedLock): string {
  return `lock on ${printable(ref)}, held by ${printable(holder)} since ${age(ageMs)}, lease ${age(leaseMs)}`;
}

function ownNotes({ hooks, diverged }: GroupStatus): string[] {
  const amiss = Object.entries(hooks).filter(([, state]) => state !== 'installed');
  return [
    ...amiss.map(([name, state]) => `hook ${name} is ${state}: gam replica reconcile installs it`),
    ...(diverged.length === 0 ? [] : [`kept aside here, under refs/gam/diverged/: ${diverged.length}`]),
  ];
}

/**
 * A group's status in words.
 * @param all whether every ref is named at which a member is behind
 * @param now in milliseconds since the epoch
 */
export function statusText(status: GroupStatus, all: boolean, now: number): StatusText {
  const { group, self, coordinator, members, locks } = status;
  const { arbiter, kind } = coordinator;
  const where = arbiter === null ? kind : `${kind}, arbiter ${arbiter}`;
  const health = coordinator.healthy
    ? `answers in ${coordinator.latencyMs} ms`
    : `cannot be asked, and pushes are refused: ${coordinator.reason ?? ''}`;
  const notes = [
    members.flatMap((member) => memberNotes(member, all, now)),
    locks?.map(lockLine) ?? [],
    ownNotes(status),
  ];
  return {
    heading: [`${group}, seen from ${self}`, `coordinator: ${where}; ${health}`],
    columns: columnsOf(members, now),
    urls: { header: 'URL', worth: 6, cells: members.map(({ url }) => url) },
    notes: notes.filter((lines) => lines.length > 0),
  };
}
