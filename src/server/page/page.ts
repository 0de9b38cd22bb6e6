import { formatAge, formatBytes } from '../../mirror/account.ts';
import { copiesLine, copiesSection } from './copy-table.ts';
import { groupsSection } from './group-table.ts';
import { html, Markup } from './html.ts';
import { Live, type LiveText } from './live.ts';
import { worldMap } from './map.ts';
import { mirrorSection } from './mirror-table.ts';
import { SCRIPT } from './script.ts';
import type { Status, Usage } from './status.ts';
import { STYLE } from './style.ts';
import { counted, formatAgo, formatCount } from './words.ts';

function server({ server: of }: Status, live: Live): Markup {
  const up = Math.max(0, Math.floor((Date.parse(of.now) - Date.parse(of.startedAt)) / 1000));
  const figure = (name: string, key: string, text: string, state: string | null = null) =>
    html`<div><dt>${name}</dt><dd>${live.text(`server ${key}`, text, state)}</dd></div>\n`;
  const bad = (count: number) => (count > 0 ? 'failed' : null);
  return html`<section aria-labelledby="server">
<h2 id="server">Server</h2>
<dl class="figures">
${figure('Requests for git', 'requests', formatCount(of.requests))}
${figure('Sent', 'sent', formatBytes(of.bytesOut))}
${figure('Received', 'received', formatBytes(of.bytesIn))}
${figure('git at work', 'running', formatCount(of.running))}
${figure('Waiting for git', 'waiting', formatCount(of.waiting))}
${figure('Refused (4xx)', 'refused', formatCount(of.refused))}
${figure('Errors (5xx)', 'errors', formatCount(of.errors), bad(of.errors))}
${figure('Running for', 'up', formatAge(up))}
</dl>
<p class="faint">gam ${of.version}${of.git !== null && html`, git ${of.git}`}, since <time datetime="${of.startedAt}">${of.startedAt.slice(0, 16).replace('T', ' ')} UTC</time></p>
</section>
`;
}

const HOW_TO = `git config mirrorList.enabled true
git config mirrorList.canonical https://far.example/project.git
git config mirrorList.eu.url https://eu.mirror.example/project.git
git config mirrorList.eu.location DE`;

function mirrors({ kind, lists, server: { now }, truncated }: Status, live: Live): Markup | null {
  if (kind === 'cache') return null;
  const some = html`${worldMap(lists, live)}
${lists.map((list) => mirrorSection(list, now, live))}`;
  const none = html`<p>${
    kind === 'upstream'
      ? 'Clients are told of no mirrors. The configuration that this server reads says which:'
      : 'No repository here tells its clients of mirrors. One that shall, says so in its configuration:'
  }</p>
<pre><code>${HOW_TO.split('\n').map((line) => html`${line}\n`)}</code></pre>`;
  return html`<section aria-labelledby="mirrors">
<h2 id="mirrors">Mirrors</h2>
${lists.length === 0 ? none : some}
${truncated && html`<p>There are more repositories here than this page looks at.</p>`}
</section>
`;
}

function usage({ path, requests, bytesIn, bytesOut, lastUsedAt }: Usage, now: string, live: Live): Markup {
  const cell = (name: string, key: string, text: string) =>
    html`<td data-label="${name}" class="number">${live.text(`used ${path} ${key}`, text)}</td>`;
  return html`<tr>
<th scope="row" data-label="Repository"><bdi dir="ltr">${path}</bdi></th>
${cell('Requests', 'requests', formatCount(requests))}
${cell('Sent', 'sent', formatBytes(bytesOut))}
${cell('Received', 'received', formatBytes(bytesIn))}
${cell('Last used', 'at', formatAgo(lastUsedAt, now))}
</tr>
`;
}

// Which repositories another server has is its own to say.
function repositories({ kind, repositories: used, server: { now } }: Status, live: Live): Markup | null {
  if (kind === 'upstream') return null;
  const table = html`<table class="used">
<thead><tr><th scope="col">Repository</th><th scope="col" class="number">Requests</th><th scope="col" class="number">Sent</th><th scope="col" class="number">Received</th><th scope="col" class="number">Last used</th></tr></thead>
<tbody>
${used.map((one) => usage(one, now, live))}</tbody>
</table>`;
  return html`<section aria-labelledby="repositories">
<h2 id="repositories">Repositories in use</h2>
${used.length === 0 ? html`<p class="faint">None has been asked for yet.</p>` : table}
</section>
`;
}

/** What is on the page besides what surrounds it, and what of that changes while it is looked at. */
function body(status: Status): { content: Markup; texts: Readonly<Record<string, LiveText>> } {
  const live = new Live();
  const content = html`${server(status, live)}${copiesSection(status, live)}${groupsSection(status, live)}${mirrors(status, live)}${repositories(status, live)}`;
  return { content, texts: live.texts };
}

// What there is to see, in one line.
function summary({ copies, kind, lists }: Status): string {
  if (copies !== null) return copiesLine(copies);
  const all = counted(
    lists.reduce((sum, list) => sum + list.mirrors.length, 0),
    'mirror',
  );
  if (kind === 'upstream') return lists.length === 0 ? 'No mirrors' : `${all} of every repository`;
  return lists.length === 0
    ? 'No repository lists mirrors'
    : `${counted(lists.length, 'repository', 'repositories')} with ${all}`;
}

/**
 * The page as HTML.
 * @param nonce allows its script and its style to be (CSP Level 3, "nonce-source")
 * @param metrics where metrics are, relative to the page
 */
export function renderPage(status: Status, nonce: string, metrics = 'metrics'): string {
  const { content } = body(status);
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>gam serve</title>
<style nonce="${nonce}">${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>gam serve</h1>
<p>${summary(status)}</p>
<p id="freshness" role="status"><noscript>These are the figures of when the page was loaded. <a href="">Reload</a> for newer ones.</noscript></p>
</header>
<main>
${content}</main>
<footer><p><a href="status.json">The same as JSON</a>, <a href="${metrics}">metrics for Prometheus</a>. The map is made with Natural Earth.</p></footer>
<script nonce="${nonce}">${new Markup(SCRIPT)}</script>
</body>
</html>
`.text;
}

/** The same as a JSON document. `shown` is what the page's script puts into it; all other keys stay as they are. */
export function renderJson(status: Status): string {
  return `${JSON.stringify({ ...status, shown: body(status).texts })}\n`;
}
