/** What a server can do, as its protocol v2 greeting says. */
export interface Advertisement {
  /** Each capability with its value, null for one without. */
  capabilities: ReadonlyMap<string, string | null>;
}

/** The hash that names the server's objects; SHA-1 unless it says otherwise. */
export function objectFormat(advertisement: Advertisement): string {
  return advertisement.capabilities.get('object-format') ?? 'sha1';
}

/** The line that names that hash in a request, none for a server that does not speak of it (gitprotocol-v2(5)). */
export function formatLines(advertisement: Advertisement): string[] {
  return advertisement.capabilities.has('object-format')
    ? [`object-format=${objectFormat(advertisement)}`]
    : [];
}

/**
 * Reads the lines of a capability advertisement (gitprotocol-v2(5), "Initial Client Request").
 * @returns null when the first line is not `version 2`
 */
export function parseAdvertisement(lines: readonly string[]): Advertisement | null {
  const [version, ...rest] = lines;
  if (version !== 'version 2') return null;
  const capabilities = new Map(
    rest.map((line): [string, string | null] => {
      const equals = line.indexOf('=');
      return equals < 0 ? [line, null] : [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
  return { capabilities };
}

/** Writes the lines that parseAdvertisement() reads. */
export function writeAdvertisement(advertisement: Advertisement): string[] {
  const lines = [...advertisement.capabilities].map(([name, value]) =>
    value === null ? name : `${name}=${value}`,
  );
  return ['version 2', ...lines];
}
