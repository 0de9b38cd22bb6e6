import { formatAge } from '../../mirror/account.ts';
import { html, type Markup } from './html.ts';
import type { Live } from './live.ts';
import type { ShownList, ShownMirror } from './status.ts';
import { counted, formatAgo, formatFreshness, formatPlace } from './words.ts';

/** Longer tables are folded up; whoever searches the page finds them open. */
const FOLDED_FROM = 50;

/** A link for what a browser can open, and nothing else: `javascript:` would be a link, too. */
export function linked(url: string): Markup {
  return /^https?:\/\//i.test(url)
    ? html`<a href="${url}" rel="noreferrer"><bdi dir="ltr">${url}</bdi></a>`
    : html`<bdi dir="ltr">${url}</bdi>`;
}

const MIRROR_STATES = { deprecated: 'deprecated: told last', refusing: 'not told' };

function row(path: string, mirror: ShownMirror, now: string, live: Live): Markup {
  const { id, url, location, priority, weight, state: said, freshness } = mirror;
  const key = `mirror ${path} ${id}`;
  const { lookedAt, reason, state } = freshness;
  const looked = reason ?? (lookedAt === null ? '' : formatAgo(lookedAt, now));
  return html`<tr>
<th scope="row" data-label="Mirror"><bdi>${id}</bdi>${said !== 'current' && html` <small>${MIRROR_STATES[said]}</small>`}</th>
<td data-label="URL" class="url">${url === null ? html`<span class="faint">a folder of the server</span>` : linked(url)}</td>
<td data-label="Location">${location === null ? html`<span class="faint">not said</span>` : formatPlace(location)}</td>
<td data-label="Priority" class="number">${priority ?? html`<span class="faint">50</span>`}</td>
<td data-label="Weight" class="number">${weight}</td>
<td data-label="Freshness"><div>${live.text(key, formatFreshness(freshness), state)} <small>${live.text(`${key} looked`, looked)}</small></div></td>
</tr>
`;
}

function table(list: ShownList, now: string, live: Live): Markup {
  return html`<table class="mirrors">
<thead><tr><th scope="col">Mirror</th><th scope="col">URL</th><th scope="col">Location</th><th scope="col" class="number">Priority</th><th scope="col" class="number">Weight</th><th scope="col">Freshness</th></tr></thead>
<tbody>
${list.mirrors.map((mirror) => row(list.path, mirror, now, live))}</tbody>
</table>`;
}

const POLICIES = { fixed: 'fixed', random: 'at random, by weight', geoip: 'the nearest first' };
const STATES = {
  current: 'current',
  deprecated: 'deprecated',
  refusing: 'takes no more fetches',
  moved: 'moved',
};

function facts({ canonical, state, successor, policy, limit, ttlSeconds, prefer }: ShownList): Markup {
  return html`<dl class="facts">
<div><dt>Canonical</dt><dd>${canonical.length === 0 ? html`<span class="faint">none said</span>` : canonical.map((url) => html`<div>${linked(url)}</div>`)}</dd></div>
<div><dt>State</dt><dd><span data-state="${state === 'current' ? 'same' : 'behind'}">${STATES[state]}</span>${successor !== null && html`, goes on at ${linked(successor)}`}</dd></div>
<div><dt>Order</dt><dd>${POLICIES[policy]}</dd></div>
<div><dt>Told at once</dt><dd>${counted(limit, 'mirror')}</dd></div>
<div><dt>Good for</dt><dd>${formatAge(ttlSeconds)}</dd></div>
${prefer !== null && html`<div><dt>Mirrors first</dt><dd>${prefer === 'permanent' ? 'from now on' : 'this once'}</dd></div>`}
</dl>`;
}

/** What a repository tells of itself and its mirrors. */
export function mirrorSection(list: ShownList, now: string, live: Live): Markup {
  const { mirrors, path } = list;
  const many = counted(mirrors.length, 'mirror');
  return html`<section>
<h3><bdi dir="ltr">${path}</bdi></h3>
${facts(list)}
${
  mirrors.length === 0
    ? html`<p class="faint">It lists no mirror.</p>`
    : html`<details${mirrors.length < FOLDED_FROM && html` open`}><summary>${many}</summary>
${table(list, now, live)}
</details>`
}
</section>
`;
}
