import { gamServe } from '../../helpers/gam-serve.ts';
import type { Way } from './row.ts';
import type { Stage } from './stage.ts';

/** A server has to last for all rounds. */
const PATIENCE_MS = 2 * 60 * 60_000;

/**
 * The same, from git http-backend behind a plain web server and from gam serve, both on this machine with no line between.
 * The sandbox ends the latter.
 *
 * @param way makes a way of a name for what it is called and the URL of canonical's repository there
 */
export async function servedWays(
  { sandbox, scene }: Stage,
  way: (title: string, url: string) => Promise<Way>,
): Promise<[Way, Way]> {
  // A measurement lasts until nothing of the sandbox runs any more, which a server is no part of.
  const env = { GAM_TEST_SANDBOX: undefined };
  const served = await gamServe(sandbox, 'repositories', [], { env, timeout: PATIENCE_MS });
  return [await way('git http-backend', scene.atHand), await way('gam serve', `${served.url}/canonical.git`)];
}
