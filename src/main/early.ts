import { remoteName } from '../config/canonical.ts';
import { shieldChildren } from '../git/process.ts';
import { behindShield, shieldNamed } from '../git/shield.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { joinLeadIn, type LeadIn } from '../transport/lead-in.ts';
import { startWebHelper, type WebHelper, webHelper } from '../transport/web.ts';

// How git's web helper would be started for what git passed, if the URL is just what it looks like; null where it
// would not be.
function wordsOfWebHelper(): [string, ...string[]] | null {
  const [, , remote, url] = process.argv;
  if (remote === undefined || url === undefined || !/^https?:\/\//.test(url)) return null;
  const parsed = parseGitUrl(url);
  return parsed.kind === 'web' ? webHelper(remoteName(remote, url) ?? url, parsed, process.env) : null;
}

// Most of the time the URL is just what it looks like, and git's web helper takes as long to start as the rest
// of this program takes to load and to read the configuration that may still say otherwise. It contacts
// nobody before it is told to. This module is imported first, and starts it while the others load.
function guessWebHelper(): WebHelper | null {
  const disabled = !['', '0'].includes(process.env['GAM_DISABLE'] ?? '');
  return disabled || words === null || leadIn !== null ? null : startWebHelper(words, process.env);
}

// Under `gam clone` and `gam fetch` the terminal's Ctrl-C is for them. node has taken the shield from itself.
const shield = shieldNamed(process.env['GAM_SHIELD']);
if (shield !== null) shieldChildren((command, args) => behindShield(shield, command, args));

const words = wordsOfWebHelper();

/** What the launcher has begun; null where it left all to this program. */
export const leadIn: LeadIn | null = words && joinLeadIn(process.argv[4], words);

/** git's web helper for what git passed, started on a guess; null where it cannot be needed, or runs already. */
export const guess: WebHelper | null = guessWebHelper();
