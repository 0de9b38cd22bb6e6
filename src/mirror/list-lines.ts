import { writeLocation } from '../protocol/location.ts';
import type { MirrorList } from '../protocol/mirror-list.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { formatAge } from './account.ts';
import type { KeptList } from './kept-list.ts';
import type { Offer } from './offers.ts';

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

/**
 * What canonical says of itself, for the user; null while all is as it was. To follow a server that has moved takes the
 * user's word.
 */
export function stateLine({ state, successor }: Pick<MirrorList, 'state' | 'successor'>): string | null {
  const heir = successor === null ? null : redactUrl(successor);
  const named = heir === null ? '' : `; its successor is ${heir}`;
  if (state === 'deprecated') return `canonical says it is deprecated${named}`;
  if (state === 'refusing') return `canonical says it takes no more fetches${named}`;
  if (state !== 'moved') return null;
  return heir === null
    ? 'canonical says it has moved, and not where'
    : `canonical has moved to ${heir}; to follow it: gam mirrors refresh --accept-move`;
}

/**
 * What a mirror says of itself that cannot ask canonical; null where it says nothing.
 * @param seconds for how long
 */
export function staleWords([canonical]: readonly string[], seconds: number | null): string | null {
  if (seconds === null) return null;
  const who = canonical === undefined ? 'canonical' : redactUrl(canonical);
  return `${who} has not confirmed what is there for ${formatAge(seconds)}`;
}

/** What a list holds, a line each: how many mirrors, each of them, and what the server says of itself. */
export function listLines(
  owner: string,
  { mirrors, more, listed, ttl, state, successor }: KeptList,
  offers: readonly Offer[],
): string[] {
  const left = listed - mirrors.length;
  const facts = [
    `${count(listed, 'mirror')} listed`,
    ...(left > 0 ? [`${left} not taken`] : []),
    ...(more > 0 ? [`${more} more on demand`] : []),
    `good for ${formatAge(ttl)}`,
  ];
  const rows = offers.map(({ url, location, priority, refusal }) => {
    const notes = [
      ...(priority === null ? [] : [`priority ${priority}`]),
      ...(location === null ? [] : [writeLocation(location)]),
      ...(refusal === null ? [] : [`refused: ${refusal}`]),
    ];
    return `  ${printable(url, 2048)}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
  });
  const told = stateLine({ state, successor });
  return [`${owner}: ${facts.join(', ')}`, ...rows, ...(told === null ? [] : [`  ${told}`])];
}
