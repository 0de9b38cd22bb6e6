/**
 * The digest of some content. node:crypto is loaded at the first call only: it takes some milliseconds, and a
 * fetch with nothing new, by far the most frequent one, has nothing to digest.
 */
export function digest(algorithm: 'sha1' | 'sha256', content: string | Buffer): Buffer {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash(algorithm).update(content).digest();
}

/**
 * Eight hex digits, FNV-1a, to tell a few things of one machine or one team apart, such as its networks or hosts. Every
 * fetch needs some, and node:crypto takes longer to load than all that asks for them.
 */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}
