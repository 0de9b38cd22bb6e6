import { digest } from '../protocol/digest.ts';

/** How the last line of a hook of gam's begins; the SHA-256 of all before it follows. */
const SEAL = '# Sealed by gam: ';
const LENGTH = SEAL.length + 64 + 1;

/** Ends a hook's text, whose last line is ended, with a line by which gam knows it again as long as nobody changes it. */
export function sealHook(text: string): Buffer {
  return Buffer.from(`${text}${SEAL}${digest('sha256', text).toString('hex')}\n`);
}

/**
 * Whether gam has written this hook, of whatever version, and nobody has changed it since. One that an administrator has added a line to
 * is the administrator's.
 */
export function isSealed(content: Buffer): boolean {
  if (content.length < LENGTH) return false;
  const text = content.subarray(0, -LENGTH).toString();
  return sealHook(text).equals(content);
}
