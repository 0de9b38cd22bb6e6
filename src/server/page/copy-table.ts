import { formatBytes } from '../../mirror/account.ts';
import { html, type Markup } from './html.ts';
import type { Live } from './live.ts';
import { linked } from './mirror-table.ts';
import type { ShownCopy, Status } from './status.ts';
import { counted, formatAgo, formatCount } from './words.ts';

/** The words for each state, and which state of a mirror it has the colour of. */
const STATES = {
  fetching: ['being fetched', 'unknown'],
  fresh: ['fresh', 'same'],
  old: ['to be confirmed', 'unknown'],
  stale: ['stale', 'behind'],
  gone: ['not given any more', 'failed'],
} as const;

function row(copy: ShownCopy, now: string, live: Live): Markup {
  const { path, canonical, state, reason, confirmedAt, fetchingSince, bytes, hits, lastUsedAt } = copy;
  const [words, colour] = STATES[state];
  const key = (name: string) => `copy ${path} ${name}`;
  const cell = (name: string, what: string, text: string) =>
    html`<td data-label="${name}" class="number">${live.text(key(what), text)}</td>`;
  const ago = (then: string | null) => (then === null ? '-' : formatAgo(then, now));
  const why = reason ?? (fetchingSince === null ? '' : `begun ${formatAgo(fetchingSince, now)}`);
  return html`<tr>
<th scope="row" data-label="Address"><bdi dir="ltr">${path}</bdi></th>
<td data-label="Canonical" class="url">${linked(canonical)}</td>
<td data-label="State"><div>${live.text(key('state'), words, colour)} <small class="why">${live.text(key('why'), why)}</small></div></td>
${cell('Confirmed', 'confirmed', ago(confirmedAt))}
${cell('Size', 'size', bytes === null ? '-' : formatBytes(bytes))}
${cell('Hits', 'hits', formatCount(hits))}
${cell('Last used', 'used', ago(lastUsedAt))}
</tr>
`;
}

/** How many copies there are, in one line. */
export function copiesLine(copies: readonly ShownCopy[]): string {
  const stale = copies.filter(({ state }) => state === 'stale').length;
  const all = copies.length === 0 ? 'No copies yet' : counted(copies.length, 'copy', 'copies');
  return stale === 0 ? all : `${all}, ${formatCount(stale)} stale`;
}

/** What a cache has; null where the server is none. */
export function copiesSection({ copies, server: { now }, truncated }: Status, live: Live): Markup | null {
  if (copies === null) return null;
  const table = html`<table class="used">
<thead><tr><th scope="col">Address</th><th scope="col">Canonical</th><th scope="col">State</th><th scope="col" class="number">Confirmed</th><th scope="col" class="number">Size</th><th scope="col" class="number">Hits</th><th scope="col" class="number">Last used</th></tr></thead>
<tbody>
${copies.map((copy) => row(copy, now, live))}</tbody>
</table>`;
  return html`<section aria-labelledby="copies">
<h2 id="copies">Copies</h2>
${copies.length === 0 ? html`<p class="faint">None has been asked for yet.</p>` : table}
${truncated && html`<p>There are more copies here; these are the ones used last.</p>`}
</section>
`;
}
