import { formatAge } from '../../mirror/account.ts';
import { html, type Markup } from './html.ts';
import type { Live } from './live.ts';
import { linked } from './mirror-table.ts';
import type { ShownGroup, ShownLock, ShownMember, Status } from './status.ts';
import { counted, formatAgo, formatCount } from './words.ts';

/** Which state of a mirror each state has the colour of. */
const COLOURS = {
  current: 'same',
  behind: 'behind',
  diverged: 'failed',
  unreachable: 'failed',
  unknown: 'unknown',
  retired: 'unknown',
} as const;

/** So many locks are named. */
const FEW = 3;

function stateOf({ state, refsBehind, refsDiverged }: ShownMember, isSeen: boolean): string {
  const words = {
    current: 'current',
    behind: `behind at ${counted(refsBehind ?? 0, 'ref')}`,
    diverged: `diverged at ${counted(refsDiverged ?? 0, 'ref')}`,
    unreachable: 'not reached',
    unknown: isSeen ? 'answers' : 'not yet known',
    retired: 'retired',
  };
  return words[state];
}

const lasting = (then: string, now: string) =>
  formatAge(Math.floor(Math.max(0, Date.parse(now) - Date.parse(then)) / 1000));

function row({ path, seenAt }: ShownGroup, member: ShownMember, now: string, live: Live): Markup {
  const { id, queued, queuedSince, reason, role, self, since, state, url } = member;
  const key = (name: string) => `group ${path} ${id} ${name}`;
  const why = [since === null ? null : `for ${lasting(since, now)} at least`, reason];
  const waiting =
    queuedSince === null ? '-' : `${counted(queued, 'ref')}, the oldest for ${lasting(queuedSince, now)}`;
  return html`<tr>
<th scope="row" data-label="Member"><div><bdi>${id}</bdi>${self && html` <small>served here</small>`}</div></th>
<td data-label="Role">${role}</td>
<td data-label="State"><div>${live.text(key('state'), stateOf(member, seenAt !== null), COLOURS[state])} <small class="why">${live.text(key('why'), why.filter((part) => part !== null).join(': '))}</small></div></td>
<td data-label="Queue">${live.text(key('queue'), waiting)}</td>
<td data-label="URL" class="url">${url === null ? html`<span class="faint">a folder of the server</span>` : linked(url)}</td>
</tr>
`;
}

function locksLine(locks: readonly ShownLock[] | null, now: string): string {
  if (locks === null) return 'not known';
  if (locks.length === 0) return 'none';
  const named = locks
    .slice(0, FEW)
    .map(
      ({ ref, holder, since, leaseMs }) =>
        `${ref} by ${holder} for ${lasting(since, now)} (lease ${formatAge(leaseMs / 1000)})`,
    );
  const more = locks.length > FEW ? [`${formatCount(locks.length - FEW)} more`] : [];
  return [...named, ...more].join(', ');
}

function coordinatorFact({ path, coordinator, seenAt }: ShownGroup, live: Live): Markup {
  const { arbiter, healthy, kind, latencyMs, reason } = coordinator;
  const down = `cannot be asked, and pushes are refused${reason === null ? '' : `: ${reason}`}`;
  const words =
    healthy === null ? 'not yet known' : healthy ? `answers in ${formatCount(latencyMs ?? 0)} ms` : down;
  const colour = seenAt === null ? 'unknown' : healthy ? 'same' : 'failed';
  return html`${kind}${arbiter !== null && html`, in the refs of <bdi>${arbiter}</bdi>`}: ${live.text(`group ${path} coordinator`, words, colour)}`;
}

function groupPart(group: ShownGroup, now: string, live: Live): Markup {
  const { locks, members, name, path, seenAt } = group;
  const looked = seenAt === null ? 'not yet' : formatAgo(seenAt, now);
  return html`<section>
<h3><bdi dir="ltr">${path}</bdi></h3>
<dl class="facts">
<div><dt>Group</dt><dd><bdi>${name}</bdi></dd></div>
<div><dt>Coordinator</dt><dd>${coordinatorFact(group, live)}</dd></div>
<div><dt>Locks</dt><dd class="refs">${live.text(`group ${path} locks`, locksLine(locks, now), locks?.length ? 'unknown' : null)}</dd></div>
<div><dt>Looked at</dt><dd>${live.text(`group ${path} looked`, looked)}</dd></div>
</dl>
<table class="members">
<thead><tr><th scope="col">Member</th><th scope="col">Role</th><th scope="col">State</th><th scope="col">Queue</th><th scope="col">URL</th></tr></thead>
<tbody>
${members.map((member) => row(group, member, now, live))}</tbody>
</table>
</section>
`;
}

/** The groups that repositories are in which are served here; null where there are none. */
export function groupsSection({ groups, server: { now } }: Status, live: Live): Markup | null {
  if (groups.length === 0) return null;
  return html`<section aria-labelledby="groups">
<h2 id="groups">Groups</h2>
${groups.map((group) => groupPart(group, now, live))}
</section>
`;
}
