import { expect, test } from 'vitest';
import { NO_ETCD, startEtcd } from '../helpers/etcd-cluster.ts';
import { initBare } from '../helpers/repository.ts';
import { makeSandbox } from '../helpers/sandbox.ts';

const IDS = ['eu', 'us'];

test.skipIf(NO_ETCD !== null)(
  `pushes go on without one of three members of the group's etcd, and are refused without two${NO_ETCD === null ? '' : ` (${NO_ETCD})`}`,
  async () => {
    const sandbox = makeSandbox();
    const etcd = await startEtcd(sandbox);
    try {
      await etcd.ready();
      const endpoints = etcd.members.map(({ port }) => `127.0.0.1:${port}`).join(',');
      const member = (id: string) => sandbox.path(`${id}.git`);
      const own = (id: string) => ['--id', id, '--url', member(id), '--repo', member(id)];
      for (const id of IDS) await initBare(sandbox, `${id}.git`);
      await sandbox.run('gam', [
        'replica',
        'init',
        'demo',
        ...own('eu'),
        '--coordinator',
        `etcd:${endpoints}`,
      ]);
      await sandbox.run('gam', ['replica', 'join', member('eu'), ...own('us')]);
      await sandbox.git(['init', '--quiet', 'work']);
      const push = async (to: string, expectStatus: number) => {
        await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', to], { cwd: 'work' });
        const refspec = `HEAD:refs/heads/${expectStatus === 0 ? 'main' : 'refused'}`;
        return sandbox.git(['push', member(to), refspec], { cwd: 'work', expectStatus, timeout: 120_000 });
      };
      const heads = async () =>
        Promise.all(
          IDS.map(
            async (id) => (await sandbox.git(['for-each-ref', 'refs/heads'], { cwd: `${id}.git` })).stdout,
          ),
        );
      const expectAlike = async () => {
        const { stdout } = await sandbox.git(['rev-parse', 'HEAD'], { cwd: 'work' });
        const [first, second] = await heads();
        expect(first).toBe(`${stdout.trim()} commit\trefs/heads/main\n`);
        expect(second).toBe(first);
      };

      await push('us', 0);
      await expectAlike();

      const [one, two] = etcd.members;
      await one.kill();
      await push('eu', 0);
      await expectAlike();

      await two.kill();
      const before = await heads();
      const { stderr } = await push('us', 1);
      expect(stderr).toMatch(/\[remote rejected\] HEAD -> refused \(gam: .*127\.0\.0\.1:/);
      expect(await heads()).toEqual(before);
      const status = await sandbox.run('gam', ['replica', 'status', '--repo', member('us')], {
        expectStatus: 1,
      });
      expect(status.stdout).toMatch(/^coordinator: etcd; cannot be asked, and pushes are refused: /m);
      await sandbox.git(['clone', '--quiet', member('us'), 'clone']);

      two.start();
      await etcd.ready();
      await push('us', 0);
      await expectAlike();
    } finally {
      await etcd.close();
      await sandbox.close();
    }
  },
  240_000,
);
