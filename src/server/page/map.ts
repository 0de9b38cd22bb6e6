import { html, type Markup } from './html.ts';
import { LAND, UNITS_PER_DEGREE } from './land.ts';
import type { Live } from './live.ts';
import type { Freshness, ShownList } from './status.ts';
import { counted, formatFreshness, formatPlace } from './words.ts';

/** A place on the map, and who is there. */
interface Dot {
  latitude: number;
  longitude: number;
  location: string;
  mirrors: { name: string; freshness: Freshness }[];
}

/** A dot of several mirrors shows the state that most needs to be seen. */
const WORST: readonly Freshness['state'][] = ['failed', 'behind', 'unknown', 'unasked', 'same'];

/** So many mirrors of a place are named where the pointer rests. */
const NAMED = 12;

/** Land north of Antarctica is shown: few mirrors are there. Degrees north. */
const [TOP, BOTTOM, POLE] = [84, -58, -90];

/** Around the map, in its units, so that dots at its edges are whole. */
const MARGIN = 20;

/** The mirrors that say where they are, by place. */
export function dotsOf(lists: readonly ShownList[]): Dot[] {
  const dots = new Map<string, Dot>();
  for (const { path, mirrors } of lists) {
    for (const { id, location, latitude, longitude, freshness } of mirrors) {
      if (location === null || latitude === null || longitude === null) continue;
      const dot = dots.get(location) ?? { latitude, longitude, location, mirrors: [] };
      dot.mirrors.push({ name: lists.length === 1 ? id : `${id} of ${path}`, freshness });
      dots.set(location, dot);
    }
  }
  return [...dots.values()].sort((a, b) => b.mirrors.length - a.mirrors.length);
}

function titleOf({ location, mirrors }: Dot): string {
  const named = mirrors
    .slice(0, NAMED)
    .map(({ name, freshness }) => `${name}: ${formatFreshness(freshness)}`);
  const more = mirrors.length > NAMED ? [`and ${mirrors.length - NAMED} more`] : [];
  return [`${formatPlace(location)}: ${counted(mirrors.length, 'mirror')}`, ...named, ...more].join(', ');
}

// Which state a dot has is told by its form as well, for who sees no colours: a ring could not be reached.
function circle(dot: Dot, live: Live): Markup {
  const x = Math.round((dot.longitude + 180) * UNITS_PER_DEGREE);
  const y = Math.round((90 - dot.latitude) * UNITS_PER_DEGREE);
  const radius = Math.round(13 + 5 * Math.log2(dot.mirrors.length));
  const states = new Set(dot.mirrors.map(({ freshness }) => freshness.state));
  const state = WORST.find((one) => states.has(one)) ?? 'unknown';
  const title = titleOf(dot);
  const key = live.note(`dot ${dot.location}`, title, state);
  return html`<circle class="dot" cx="${x}" cy="${y}" r="${radius}" data-live="${key}" data-state="${state}"><title>${title}</title></circle>`;
}

/** The world, and a dot for each place where mirrors are. Empty where no mirror says where it is. */
export function worldMap(lists: readonly ShownList[], live: Live): Markup {
  const dots = dotsOf(lists);
  if (dots.length === 0) return html``;
  const bottom = dots.some(({ latitude }) => latitude < BOTTOM) ? POLE : BOTTOM;
  const [y, height] = [(90 - TOP) * UNITS_PER_DEGREE, (TOP - bottom) * UNITS_PER_DEGREE + 2 * MARGIN];
  const box = [-MARGIN, y - MARGIN, 360 * UNITS_PER_DEGREE + 2 * MARGIN, height].join(' ');
  const placed = dots.reduce((sum, { mirrors }) => sum + mirrors.length, 0);
  const all = lists.reduce((sum, { mirrors }) => sum + mirrors.length, 0);
  const rest = all - placed;
  return html`<figure>
<svg class="map" viewBox="${box}" role="img" aria-labelledby="map-title map-text">
<title id="map-title">World map of the mirrors</title>
<desc id="map-text">${counted(placed, 'mirror')} at ${counted(dots.length, 'place')}; the tables below name them all.</desc>
<path class="land" d="${LAND}"/>
${dots.map((dot) => circle(dot, live))}
</svg>
<figcaption><ul class="legend">
<li data-state="same">same as here</li><li data-state="behind">behind</li><li data-state="failed">not reached</li><li data-state="unknown">not known</li>
</ul>${rest > 0 && html`<p>${counted(rest, 'mirror')} without a location ${rest === 1 ? 'is' : 'are'} not on the map.</p>`}</figcaption>
</figure>`;
}
