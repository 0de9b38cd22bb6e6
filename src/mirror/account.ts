const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes for a person, in git's units: `61.8 MiB`, `512 bytes`. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${amount} ${UNITS[0]}` : `${amount.toFixed(1)} ${UNITS[unit]}`;
}

/** A length of time for a person, in its largest unit: `40 s`, `3 min`, `2 h`, `5 d`. */
export function formatAge(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/**
 * The line of account: what came from where, and which share canonical was spared.
 * @param fromMirrors bytes by the name of the host
 */
export function accountLine(fromMirrors: ReadonlyMap<string, number>, fromCanonical: number): string {
  const spared = [...fromMirrors.values()].reduce((sum, bytes) => sum + bytes, 0);
  const all = spared + fromCanonical;
  const saved = all === 0 ? 0 : Math.floor((100 * spared) / all);
  const parts = [...fromMirrors, ['canonical', fromCanonical] as const].map(
    ([host, bytes]) => `${formatBytes(bytes)} from ${host}`,
  );
  return `${parts.join(', ')} (${saved} % saved)`;
}
