import { readFile, realpath, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

/** A key and a certificate, in PEM. */
export interface Certificate {
  key: Buffer;
  cert: Buffer;
}

// Of `ENOENT: no such file or directory, open '/x'` what a person would say.
function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return printable(/^E[A-Z]+: (.*?), [a-z]+(?: '|$)/.exec(message)?.[1] ?? message);
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

/**
 * Reads key and certificate, and looks whether they are of one another.
 * @throws GamError `bad-certificate`
 */
export async function readCertificate(files: { key: string; cert: string }): Promise<Certificate> {
  const read = (flag: string, file: string) =>
    readFile(file).catch((cause: unknown) => {
      const message = `cannot read what --tls-${flag} names: ${wordsOf(cause)}`;
      throw new GamError('bad-certificate', message, { suggestion: 'name a readable file in PEM', cause });
    });
  const [key, cert] = [await read('key', files.key), await read('cert', files.cert)];
  try {
    createSecureContext({ key, cert });
  } catch (cause) {
    const message = `${printable(files.key)} and ${printable(files.cert)} cannot be used: ${wordsOf(cause)}`;
    const suggestion = 'they must be a private key without a passphrase and its certificate, both in PEM';
    throw new GamError('bad-certificate', message, { suggestion, cause });
  }
  return { key, cert };
}
