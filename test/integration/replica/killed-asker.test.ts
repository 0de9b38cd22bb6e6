import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilNothing } from '../../helpers/bystanders.ts';
import { makePushers, type Pusher } from '../../helpers/pusher.ts';
import { type ReplicaScene, setReplicaScene } from '../../helpers/replica-scene.ts';

// What broke: a hook that got SIGKILL while it asked another member left its git push behind. That waited for the member as long as the line
// was open, or for itself: git-remote-http and send-pack wait for each other where a line ends within an answer (git 2.39). It
// counted as at work all the while, so that the locks of its repository were never cleared.

let scene: ReplicaScene;
let pusher: Pusher;

beforeAll(async () => {
  scene = await setReplicaScene(['eu', 'us']);
  const [ada] = await makePushers(scene.sandbox, ['ada'], 10 * scene.leaseMs);
  if (ada === undefined) throw new Error('there is nobody');
  pusher = ada;
});

afterAll(() => scene.close());

const working = (pattern: RegExp) => scene.working().filter(({ command }) => pattern.test(command));

test.runIf(process.platform === 'linux')(
  'what a killed hook had under way to another member ends with it',
  async () => {
    const us = scene.members.find(({ id }) => id === 'us');
    if (us === undefined) throw new Error('there is nobody');
    const commit = await pusher.commit(null);
    scene.setFault('us', 'eu', { kind: 'stall' });
    const pushed = pusher.push(us.url, [{ ref: 'refs/heads/main', old: null, new: commit }]);
    const isAsking = () =>
      working(/gam-request=/).length > 0 && working(/remote-http/).length > 0 ? [] : ['asks'];
    expect(await untilNothing(isAsking)).toEqual([]);
    for (const { pid } of working(/member\.js(?! work)/)) process.kill(pid, 'SIGKILL');
    expect((await pushed).pushes.map(({ outcome }) => outcome)).not.toContain('acknowledged');
    // The line is as silent as before.
    expect(await untilNothing(() => working(/gam-request=|remote-http/))).toEqual([]);
  },
);
