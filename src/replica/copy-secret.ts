import { parseGitUrl } from '../protocol/git-url.ts';
import { shellQuote } from '../transport/shell.ts';

/** Whatever a shell would read otherwise is quoted. */
const word = (text: string) => (/^[\w@%+=:,./~-]+$/.test(text) ? text : shellQuote(text));

/**
 * The command that copies a group's secret from a member's server, for a user to run.
 *
 * @param url how the member is reached
 * @param gitDir where it lies there; null where only its URL is known
 * @param copy the name of the copy
 */
export function copySecret(url: string, gitDir: string | null, copy: string): string {
  const parsed = parseGitUrl(url);
  const inside = 'gam/replica/secret';
  if (parsed.kind === 'file') return `cp ${word(`${gitDir ?? parsed.path}/${inside}`)} ${word(copy)}`;
  if (parsed.kind === 'ssh') {
    const port = parsed.port === null ? '' : `-P ${parsed.port} `;
    return `scp ${port}${word(`${parsed.destination}:${gitDir ?? parsed.path}/${inside}`)} ${word(copy)}`;
  }
  // The login there is not the one of the URL, and where the repository lies only its server knows.
  return `scp ${word(`${parsed.host}:${gitDir ?? '<its folder there>'}/${inside}`)} ${word(copy)}`;
}
