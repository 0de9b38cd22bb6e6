import { createHash, timingSafeEqual } from 'node:crypto';
import apacheMd5 from 'apache-md5';
import { compare } from 'bcryptjs';

// Its types tell of a module with a default export, which it is not.
const aprMd5 = apacheMd5 as unknown as (password: string, salt: string) => string;

// Of both a digest, since only what is of one length can be compared in a time that tells nothing.
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** Whether a password has this hash of an htpasswd file. */
export async function isPasswordOf(password: string, hash: string): Promise<boolean> {
  if (hash.startsWith('$2')) return compare(password, hash);
  const bytes = Buffer.from(password);
  // It takes the letters for bytes.
  if (hash.startsWith('$apr1$')) return isSame(aprMd5(bytes.toString('latin1'), hash), hash);
  return isSame(`{SHA}${createHash('sha1').update(bytes).digest('base64')}`, hash);
}
