/** The page's style. It needs nothing from elsewhere: no font, no picture. Contrasts are those of WCAG 2.2, level AA, or better. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f7f8fa; --card: #fff; --text: #1b2230; --faint: #586174; --line: #dde1e8; --link: #0b57c2;
  --land: #d3d9e2; --same: #14733b; --behind: #8f5300; --failed: #b3261e; --unknown: #475a8c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12151b; --card: #1a1f28; --text: #e6e9ef; --faint: #a2abbb; --line: #303846; --link: #8ab8ff;
    --land: #333d4d; --same: #62cf8d; --behind: #f0b35a; --failed: #ff8f86; --unknown: #9db2ec;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 72rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; font-variant-numeric: tabular-nums;
}
h1, h2, h3 { line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 .75rem; }
h3 { font-size: 1.0625rem; }
p { margin: .5rem 0; }
header p { margin: .125rem 0; color: var(--faint); }
a { color: var(--link); text-underline-offset: .15em; }
a, bdi { overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.faint, small, footer { color: var(--faint); }
dl, dd, figure { margin: 0; }
dt { color: var(--faint); font-size: .875rem; }
.figures { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .75rem; }
.figures > div, main section section, figure, table.used, pre {
  background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem;
}
.figures dd { font-size: 1.375rem; font-weight: 600; }
figure { padding: .5rem; margin-bottom: 1rem; }
.map { display: block; width: 100%; height: auto; }
.land { fill: var(--land); }
.dot { fill: currentColor; fill-opacity: .75; stroke: var(--card); stroke-width: 3; }
.dot[data-state=failed] { fill: var(--card); stroke: currentColor; stroke-width: 7; }
figcaption { padding: .25rem .5rem; font-size: .875rem; color: var(--faint); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0; padding: 0; list-style: none; }
.legend li::before {
  content: ""; display: inline-block; width: .625rem; height: .625rem; margin-right: .4rem; border-radius: 50%;
  border: 2px solid currentColor; background: currentColor;
}
.legend li[data-state=failed]::before { background: none; }
[data-state=same] { color: var(--same); }
[data-state=behind] { color: var(--behind); }
[data-state=failed] { color: var(--failed); }
.refs { overflow-wrap: anywhere; }
[data-state=unknown], [data-state=unasked] { color: var(--unknown); }
main section section { margin-top: 1rem; }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: .5rem 0 .75rem; }
.facts > div { min-width: 0; }
summary { cursor: pointer; padding: .25rem 0; }
table { width: 100%; border-collapse: collapse; }
table.used { border-collapse: separate; border-spacing: 0; padding: .25rem 1rem; }
th, td { padding: .5rem .75rem .5rem 0; border-top: 1px solid var(--line); text-align: start; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-top: 0; color: var(--faint); font-size: .875rem; font-weight: 400; white-space: nowrap; }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 6rem; }
td.url { min-width: 12rem; }
.number { text-align: end; white-space: nowrap; }
.number + :not(.number) { padding-left: 1.25rem; }
td small { display: block; white-space: nowrap; }
td small.why { white-space: normal; overflow-wrap: anywhere; }
pre { margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .875rem; }
footer { margin-top: 2rem; font-size: .875rem; }
@media (max-width: 44rem) {
  .figures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .figures > div { padding: .5rem .75rem; }
  .figures dd { font-size: 1.125rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody, tr { display: block; }
  tbody tr { padding: .5rem 0; border-top: 1px solid var(--line); }
  tbody tr:first-child { border-top: 0; }
  tbody th, tbody td {
    display: grid; grid-template-columns: 5.5rem minmax(0, 1fr); gap: .75rem; padding: .125rem 0; border: 0; text-align: start;
    white-space: normal; min-width: 0;
  }
  tbody .number { text-align: start; }
  tbody .number + :not(.number) { padding-left: 0; }
  tbody th::before, tbody td::before { content: attr(data-label); color: var(--faint); font-weight: 400; font-size: .875rem; }
  td small { display: inline; }
  .dot { transform: scale(2); transform-box: fill-box; transform-origin: center; }
}
@media (prefers-contrast: more) { :root { --faint: var(--text); --line: var(--text); } }
@media print { body { max-width: none; } }
`;
