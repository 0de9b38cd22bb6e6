import { digest } from '../protocol/digest.ts';
import type { GitUrl } from '../protocol/git-url.ts';

/** A file name may have 255 bytes; the hash, `.lock` and a packed-refs line must still fit. */
const LONGEST = 100;

/** Names that Windows keeps for devices, whatever extension follows. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;

function escape(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

/**
 * Makes one component of a ref name out of any text (git-check-ref-format(1)): lower case, everything but
 * letters, digits and `. _ + -` as `%xx`, no leading or trailing dot, no `..`, no `.lock`, no device name.
 */
export function refComponent(text: string): string {
  const plain = text.toLowerCase().replace(/[^a-z0-9._+-]/gu, escape);
  return plain
    .replace(/^[.-]/, escape)
    .replace(/\.(?=\.|$)/g, '%2e')
    .replace(/\.lock$/, '%2elock')
    .replace(DEVICE, (name) => escape(name.charAt(0)) + name.slice(1));
}

/** The seven hex digits that tell two mirrors of one host apart. */
export function urlHash(url: string): string {
  return digest('sha256', url).toString('hex').slice(0, 7);
}

/** The site of a mirror taken alone: its lower-case host, `+<port>` when one is given; `localhost` for a path. */
function plainSite(parsed: GitUrl): string {
  if (parsed.kind === 'file') return 'localhost';
  const host = parsed.host.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const name = refComponent(host === '' ? 'localhost' : host);
  return parsed.port === null ? name : `${name}+${refComponent(parsed.port)}`;
}

/**
 * Names the sites of all mirrors of one remote, in their order. Two that would share a site (two
 * repositories of one host, hosts that differ by case) both get `+` and seven hex digits of their URL's
 * hash, and so does a name too long for a file.
 */
export function siteNames(mirrors: readonly { url: string; parsed: GitUrl }[]): string[] {
  const plain = mirrors.map((mirror) => plainSite(mirror.parsed));
  return mirrors.map(({ url }, index) => {
    const name = plain[index] ?? '';
    const shared = plain.filter((other) => other === name).length > 1;
    if (!shared && name.length <= LONGEST) return name;
    return `${name.slice(0, LONGEST).replace(/[.%].?$/, '')}+${urlHash(url)}`;
  });
}
