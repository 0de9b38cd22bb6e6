import type { Location } from '../protocol/location.ts';

/** The earth's mean radius in kilometres (IUGG). */
const RADIUS = 6371;

const RADIAN = Math.PI / 180;

/** Kilometres along a great circle, by the haversine formula: 0 to half of the earth's circumference. */
export function distanceBetween(one: Location, other: Location): number {
  const half = (a: number, b: number) => Math.sin(((a - b) * RADIAN) / 2) ** 2;
  const parallels = Math.cos(one.latitude * RADIAN) * Math.cos(other.latitude * RADIAN);
  const h = half(one.latitude, other.latitude) + parallels * half(one.longitude, other.longitude);
  // Rounding may bring it above 1 for two places on opposite sides.
  return 2 * RADIUS * Math.asin(Math.sqrt(Math.min(h, 1)));
}

/** How far light gets in fibre in a millisecond: two thirds of its speed in a vacuum. */
const KM_PER_MS = 200;

/**
 * Lines do not follow great circles, and routers take time. Round trips between known places mostly are those of 4/9 of
 * light's speed, which is one and a half times the time in fibre (Katz-Bassett and others, "Towards IP Geolocation Using
 * Delay and Topology Measurements", IMC 2006).
 */
const DETOUR = 1.5;

/** What the last mile and the server take however near it is. */
const AT_LEAST_MS = 5;

/**
 * The latency that is assumed of a server so many kilometres away: one round trip. That is hopeful, since a greeting mostly
 * takes two or three.
 */
export function latencyOver(distance: number): number {
  return AT_LEAST_MS + (2 * distance * DETOUR) / KM_PER_MS;
}

/** A distance as it is shown, in two digits: places are not known more exactly. */
export function formatDistance(distance: number): string {
  return `${Number(distance.toPrecision(2))} km`;
}
