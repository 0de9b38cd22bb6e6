const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };
const BYTES: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * Reads a duration such as `150ms`, `5s` or `2m`; a bare number is seconds, as in http.lowSpeedTime.
 * Returns milliseconds, undefined when it cannot be read.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m)?$/i.exec(text.trim());
  const unit = MILLISECONDS[(match?.[2] ?? 's').toLowerCase()];
  return match?.[1] === undefined || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** Reads a count of at least one. Returns undefined when unreadable. */
export function parseCount(text: string): number | undefined {
  return /^\s*[0-9]{1,6}\s*$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}

/** Reads a size with git's suffixes k, m and g (powers of 1024). Returns bytes, undefined when unreadable. */
export function parseSize(text: string): number | undefined {
  const match = /^([0-9]+)\s*([kmg]?)$/i.exec(text.trim());
  const unit = BYTES[(match?.[2] ?? '').toLowerCase()];
  return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}
