import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { signalAt } from '../../helpers/moments.ts';
import { setScene } from '../../helpers/scene.ts';

test('x', async () => {
  const scene = await setScene({ transport: 'http', config: { 'fetch.unpackLimit': '1' } });
  for (const n of [11, 16]) {
    await scene.copy('a');
    const env = signalAt(
      scene.sandbox,
      { role: 'helper', kind: 'trace', number: n, name: '' },
      'SIGKILL',
      'git',
    );
    console.log(
      await scene.sandbox.git(['fetch'], {
        cwd: 'a',
        env: { ...env, GAM_TEST_MOMENTS: scene.sandbox.path('mom') },
        expectStatus: null,
      }),
    );
    await new Promise((r) => setTimeout(r, 1500));
    console.log(
      scene.sandbox
        .living()
        .map((x) => [x, /PPid:.*/.exec(readFileSync(`/proc/${x.pid}/status`, 'utf8'))?.[0]]),
    );
    console.log(readFileSync(scene.sandbox.path('trace.log'), 'utf8'));
    console.log(readFileSync(scene.sandbox.path('mom'), 'utf8').split('\n').slice(-8));
  }
  await scene.close();
});
