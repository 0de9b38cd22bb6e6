import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

/** A key and a certificate, in PEM. */
export interface Certificate {
  key: Buffer;
  cert: Buffer;
}

/** What node and OpenSSL put around the words that a person would say: `ENOENT: no such file or directory, open '/x'`. */
const WORDS = [
  /^E[A-Z]+: (.*?), [a-z]+(?: '|$)/,
  /^listen E[A-Z]+: (.*?)(?: \S*:[0-9]+)?$/,
  /^error:[0-9A-F]+:[^:]*:[^:]*:(.*)$/,
];

/** Why something of the system's failed, as a person would say it. */
export function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return printable(WORDS.map((words) => words.exec(message)?.[1]).find((found) => found) ?? message);
}

/**
 * The folder to serve, without symbolic links.
 * @throws GamError `bad-root`
 */
export async function realRoot(root: string): Promise<string> {
  const suggestion = 'name a folder with repositories in it: gam serve <root>';
  const path = await realpath(root).catch((cause: unknown) => {
    throw new GamError('bad-root', `cannot serve ${printable(root)}: ${wordsOf(cause)}`, {
      suggestion,
      cause,
    });
  });
  if ((await stat(path)).isDirectory()) return path;
  throw new GamError('bad-root', `cannot serve ${printable(root)}: it is no folder`, { suggestion });
}

// Who trusts it all the same, such as a proxy on the same machine, is served; so it is no error.
function whyStale(cert: Buffer, now: number): string | null {
  const { validFrom, validTo } = new X509Certificate(cert);
  if (Date.parse(validTo) < now) return `has expired: it was good until ${validTo}`;
  return Date.parse(validFrom) > now ? `is not good before ${validFrom}` : null;
}

/**
 * Reads key and certificate, and looks whether they are of one another.
 * @param warn is told of one that clients will refuse for its time
 * @throws GamError `bad-certificate`
 */
export async function readCertificate(
  files: { key: string; cert: string },
  warn: (message: string) => void,
): Promise<Certificate> {
  const read = (flag: string, file: string) =>
    readFile(file).catch((cause: unknown) => {
      const message = `cannot read what --tls-${flag} names: ${wordsOf(cause)}`;
      throw new GamError('bad-certificate', message, { suggestion: 'name a readable file in PEM', cause });
    });
  const [key, cert] = [await read('key', files.key), await read('cert', files.cert)];
  try {
    createSecureContext({ key, cert });
    // A key of another kind than the certificate's is taken there, and then nobody can connect.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
      throw new Error('key values mismatch');
  } catch (cause) {
    const message = `${printable(files.key)} and ${printable(files.cert)} cannot be used: ${wordsOf(cause)}`;
    const suggestion = 'they must be a private key without a passphrase and its certificate, both in PEM';
    throw new GamError('bad-certificate', message, { suggestion, cause });
  }
  const stale = whyStale(cert, Date.now());
  if (stale !== null) warn(`the certificate in ${printable(files.cert)} ${stale}; clients will refuse it`);
  return { key, cert };
}
