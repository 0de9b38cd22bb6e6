import { type GamServe, gamServe, gamServeUpstream } from '../../helpers/gam-serve.ts';
import type { Way } from './row.ts';
import type { Stage } from './stage.ts';

/** A server has to last for all rounds. */
const PATIENCE_MS = 2 * 60 * 60_000;

// git configuration by the environment, so that the repositories stay as they are for others.
const LIST = Object.entries({
  'mirrorList.enabled': 'true',
  'mirrorList.canonical': 'https://far.example/canonical.git',
  'mirrorList.eu.url': 'https://eu.mirror.example/canonical.git',
  'mirrorList.us.url': 'https://us.mirror.example/canonical.git',
});
const WITH_LIST = {
  GIT_CONFIG_COUNT: `${LIST.length}`,
  ...Object.fromEntries(
    LIST.flatMap(([key, value], n) => [
      [`GIT_CONFIG_KEY_${n}`, key],
      [`GIT_CONFIG_VALUE_${n}`, value],
    ]),
  ),
};

// A measurement lasts until nothing of the sandbox runs any more, which a server is no part of.
const APART = { env: { GAM_TEST_SANDBOX: undefined }, timeout: PATIENCE_MS };
const TOLD = { ...APART, env: { ...APART.env, ...WITH_LIST } };

/** A gam serve on the repositories of a stage, which tells two mirrors of each. The sandbox ends it. */
export function listServer({ sandbox }: Stage): Promise<GamServe> {
  return gamServe(sandbox, 'repositories', [], TOLD);
}

/**
 * The same, from git http-backend behind a plain web server and from gam serve, without a mirror list and with one, and before that
 * plain web server, all on this machine with no line between. The sandbox ends them.
 *
 * @param way makes a way of a name for what it is called and the URL of canonical's repository there
 */
export async function servedWays(
  stage: Stage,
  way: (title: string, url: string) => Promise<Way>,
): Promise<[Way, ...Way[]]> {
  const { sandbox, scene } = stage;
  const served = await gamServe(sandbox, 'repositories', [], APART);
  const told = await listServer(stage);
  const front = await gamServeUpstream(sandbox, new URL(scene.atHand).origin, [], TOLD);
  return [
    await way('git http-backend', scene.atHand),
    await way('gam serve', `${served.url}/canonical.git`),
    await way('gam serve with a list', `${told.url}/canonical.git`),
    await way('gam serve --upstream with a list', `${front.url}/canonical.git`),
  ];
}
