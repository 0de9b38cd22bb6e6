/** One ref as `ls-refs` tells it; the oid is null for an unborn HEAD. */
export interface AdvertisedRef {
  name: string;
  oid: string | null;
  /** What an annotated tag leads to. */
  peeled: string | null;
}

const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * Reads one line of an ls-refs answer: `<oid> <refname> [symref-target:<name>] [peeled:<oid>]`, or
 * `unborn <refname> ...` (gitprotocol-v2(5), "ls-refs").
 * @returns null for a line of another form
 */
export function parseRefLine(line: string): AdvertisedRef | null {
  const [oid = '', name = '', ...attributes] = line.split(' ');
  if (name === '' || !(oid === 'unborn' || OID.test(oid))) return null;
  const peeled = attributes.find((a) => a.startsWith('peeled:'))?.slice('peeled:'.length) ?? null;
  if (peeled !== null && !OID.test(peeled)) return null;
  return { name, oid: oid === 'unborn' ? null : oid, peeled };
}

/** Writes a line that parseRefLine() reads. */
export function writeRefLine(ref: AdvertisedRef): string {
  const peeled = ref.peeled === null ? '' : ` peeled:${ref.peeled}`;
  return `${ref.oid ?? 'unborn'} ${ref.name}${peeled}`;
}
