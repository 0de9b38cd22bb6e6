import { randomBytes } from 'node:crypto';
import { GamError } from '../errors.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { swapRefs } from '../git/swap-refs.ts';
import { redactText, redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';

/**
 * Checks that a URL leads to this repository, as other members will use it: a ref that is made here for a moment must be seen there.
 *
 * @param oid an object that is here
 * @throws GamError `member-unreachable`; `bad-url` when it leads elsewhere
 */
export async function checkOwnUrl(url: string, oid: string, run: RunOptions): Promise<void> {
  const shown = redactUrl(url);
  // Beside refs/gam/, which a member hides.
  const ref = `refs/gam-proof/${randomBytes(8).toString('hex')}`;
  await swapRefs([{ ref, old: null, new: oid }], run);
  try {
    const asked = await runGit(['ls-remote', '--', url, ref], {
      ...run,
      env: { ...run.env, LC_ALL: 'C' },
      talks: 'alone',
    });
    if (asked.status !== 0) {
      const words = asked.stderr.trim().split('\n');
      const line = words.find((one) => /^(?:fatal|error): /.test(one)) ?? words.at(-1) ?? '';
      throw new GamError(
        'member-unreachable',
        `${shown} cannot be reached, or is no repository: ${printable(redactText(line.replace(/^(?:fatal|error): /, '')))}`,
        {
          url: shown,
          suggestion: `--url is how the other members reach this repository; see git ls-remote ${shown}`,
        },
      );
    }
    if (!asked.stdout.includes(ref))
      throw new GamError('bad-url', `${shown} is another repository than this one`, {
        url: shown,
        suggestion: '--url is how the other members reach this repository; --repo says which one is meant',
      });
  } finally {
    await swapRefs([{ ref, old: oid, new: null }], run);
  }
}
