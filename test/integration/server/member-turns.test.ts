import { once } from 'node:events';
import { expect, test } from 'vitest';
import { enrolMembers } from '../../helpers/enrolled.ts';
import { gamServe } from '../../helpers/gam-serve.ts';
import { cloneMember } from '../../helpers/group.ts';
import { begin } from '../../helpers/raw-request.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

test('what members ask is answered while others have all turns: else servers whose pushes wait for each other would wait for ever', async () => {
  const sandbox = makeSandbox();
  try {
    const server = await gamServe(sandbox, '.', ['--max-children', '1']);
    const eu = { id: 'eu', gitDir: await initBare(sandbox, 'eu.git') };
    await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: 'eu.git' });
    await enrolMembers(sandbox, [
      eu,
      { id: 'us', gitDir: sandbox.path('us.git'), url: `${server.url}/us.git` },
    ]);
    await cloneMember(sandbox, eu.gitDir, 'clone');

    const taken = begin({
      url: server.url,
      path: '/us.git/git-upload-pack',
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-git-upload-pack-request',
        'Content-Length': '100',
        Expect: '100-continue',
      },
    });
    // Behind this it has the only turn, and keeps it: its body never comes.
    taken.sent.flushHeaders();
    await once(taken.sent, 'continue');
    try {
      const push = await sandbox.git(['push', 'origin', 'HEAD:refs/heads/main'], { cwd: 'clone' });
      expect(push.stderr).toContain('replicated to 1 of 1');
    } finally {
      taken.sent.destroy();
    }
  } finally {
    await sandbox.close();
  }
});
