/**
 * The digest of some content. node:crypto is loaded at the first call only: it takes some milliseconds, and a
 * fetch with nothing new, by far the most frequent one, has nothing to digest.
 */
export function digest(algorithm: 'sha1' | 'sha256', content: string | Buffer): Buffer {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash(algorithm).update(content).digest();
}
