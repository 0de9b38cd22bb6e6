import { shieldChildren } from '../git/process.ts';
import { behindShield, shieldNamed } from '../git/shield.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { startWebHelper, type WebHelper, webHelper } from '../transport/web.ts';

// Most of the time the URL is just what it looks like, and git's web helper takes as long to start as the rest
// of this program takes to load and to read the configuration that may still say otherwise. It contacts
// nobody before it is told to. This module is imported first, and starts it while the others load.
function guessWebHelper(remote: string | undefined, url: string | undefined): WebHelper | null {
  if (remote === undefined || url === undefined || !/^https?:\/\//.test(url)) return null;
  if (!['', '0'].includes(process.env['GAM_DISABLE'] ?? '')) return null;
  const parsed = parseGitUrl(url);
  const name = remote === `mirror::${url}` ? url : remote;
  return parsed.kind === 'web' ? startWebHelper(webHelper(name, parsed, process.env), process.env) : null;
}

// Under `gam clone` and `gam fetch` the terminal's Ctrl-C is for them. node has taken the shield from itself.
const shield = shieldNamed(process.env['GAM_SHIELD']);
if (shield !== null) shieldChildren((command, args) => behindShield(shield, command, args));

/** git's web helper for what git passed, started on a guess; null where it cannot be needed. */
export const guess: WebHelper | null = guessWebHelper(process.argv[2], process.argv[3]);
