import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

/** Hashes of passwords by user. */
export type Htpasswd = ReadonlyMap<string, string>;

/** bcrypt, Apache's MD5 and SHA-1, as htpasswd(1) writes them by `-B`, `-m` and `-s`. */
const KNOWN =
  /^(?:\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}|\$apr1\$[^$:\s]{1,8}\$[./A-Za-z0-9]{22}|\{SHA\}[A-Za-z0-9+/]{27}=)$/;

function malformed(file: string, line: number, what: string): GamError {
  return new GamError('bad-htpasswd', `${printable(file)}, line ${line}: ${what}`, {
    suggestion: 'write it by: htpasswd -B <file> <user>',
  });
}

/**
 * Reads the text of a file as htpasswd(1) writes it: `<user>:<hash>` a line; empty ones and those that begin with `#` are
 * left out.
 * @throws GamError `bad-htpasswd` naming the first line that is not one; it does not show a hash
 */
export function parseHtpasswd(text: string, file: string): Htpasswd {
  const users = new Map<string, string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [user, hash] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)];
    // A user's name goes into the log and into the environment of hooks.
    if (!line.includes(':') || user === '' || printable(user) !== user)
      throw malformed(file, index + 1, 'that is no <user>:<hash>');
    if (!KNOWN.test(hash))
      throw malformed(file, index + 1, `the password of ${user} is not hashed by bcrypt, apr1 or SHA`);
    users.set(user, hash);
  }
  return users;
}
