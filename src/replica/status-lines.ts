import { printable } from '../protocol/text.ts';
import type { GroupStatus, MemberStatus } from './status.ts';

/** A time that has passed, as people say it. */
export function since(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

function stateOf({ state, refsBehind, reason }: MemberStatus): string {
  if (state === 'unreachable') return 'unreachable';
  return state === 'behind' ? `${refsBehind} behind` : reason === null ? 'current' : state;
}

const ago = (at: number) => `${since(Math.max(0, Date.now() - at))} ago`;

function pad(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/**
 * A group's status for people.
 * @param width of the terminal in columns; null: nothing is cut
 */
export function statusLines(status: GroupStatus, width: number | null): string[] {
  const { group, self, coordinator, members, locks, hooks, diverged } = status;
  const rows = members.map((member) => [
    member.self ? `${member.id} *` : member.id,
    member.role,
    stateOf(member),
    member.queued === 0 ? '-' : `${member.queued}, ${since(member.queuedMs ?? 0)}`,
    printable(member.url),
  ]);
  const where =
    coordinator.arbiter === null ? coordinator.kind : `${coordinator.kind}, arbiter ${coordinator.arbiter}`;
  const health = coordinator.healthy
    ? `answers in ${coordinator.latencyMs} ms`
    : `cannot be reached, pushes are refused: ${coordinator.reason ?? ''}`;
  const amiss = Object.entries(hooks).filter(([, state]) => state !== 'installed');
  const lines = [
    `${group}, seen from ${self}`,
    `coordinator: ${where}; ${health}`,
    '',
    ...pad([['MEMBER', 'ROLE', 'STATE', 'QUEUE', 'URL'], ...rows]),
    ...members.flatMap(({ id, reason }) => (reason === null ? [] : [`${id}: ${reason}`])),
    ...members.flatMap(({ id, lastFailure }) =>
      lastFailure === null ? [] : [`${id}: failed ${ago(lastFailure.at)}: ${lastFailure.reason}`],
    ),
    ...members.flatMap(({ id, apart }) =>
      apart.map((ref) => `${id}: ${ref} has moved apart; merge both tips, and push that to either side`),
    ),
    ...(locks.length === 0 ? [] : ['']),
    ...locks.map(
      ({ ref, holder, ageMs, leaseMs }) =>
        `lock on ${ref}, held by ${holder} since ${since(ageMs)}, lease ${since(leaseMs)}`,
    ),
    ...amiss.map(([name, state]) => `hook ${name} is ${state}: gam replica reconcile installs it`),
    ...(diverged.length === 0 ? [] : [`kept aside here: ${diverged.length} refs under refs/gam/diverged/`]),
  ];
  return lines.map((line) =>
    width === null || line.length <= width ? line : `${line.slice(0, width - 3)}...`,
  );
}
