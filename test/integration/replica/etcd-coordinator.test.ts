import { Etcd3 } from 'etcd3';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import type { Coordinator } from '../../../src/replica/coordinator.ts';
import { EtcdCluster } from '../../../src/replica/etcd-cluster.ts';
import { type EtcdOptions, openEtcdCoordinator } from '../../../src/replica/etcd-coordinator.ts';
import { parseEtcdEndpoints } from '../../../src/replica/etcd-endpoints.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { coordinatorContract, type Members } from '../../helpers/coordinator-contract.ts';
import { type EtcdServers, NO_ETCD, startEtcd } from '../../helpers/etcd-cluster.ts';
import { type Gate, openGate } from '../../helpers/gate.ts';
import { closedPort } from '../../helpers/listening.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

if (NO_ETCD === null) {
  describe('a cluster of etcd', withEtcd);
  describe('a cluster of etcd that asks who is there', withLogins);
} else test.skip(`a cluster of etcd: ${NO_ETCD}`, () => undefined);

const OIDS = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
const [A, B, C] = OIDS;
const MAIN = 'refs/heads/main';
const NEXT = 'refs/heads/next';

function withEtcd(): void {
  let sandbox: Sandbox;
  let servers: EtcdServers;
  let groups = 0;

  beforeAll(async () => {
    sandbox = makeSandbox();
    servers = await startEtcd(sandbox);
    await servers.ready();
  });

  afterAll(async () => {
    await servers?.close();
    await sandbox.close();
  });

  const open = (ports: readonly number[], group: string, options = {}) =>
    openEtcdCoordinator({
      endpoints: parseEtcdEndpoints(`etcd:${ports.map((port) => `127.0.0.1:${port}`).join(',')}`),
      group,
      leaseMs: 30_000,
      ...options,
    });

  async function openMembers(leaseMs: number): Promise<Members> {
    groups += 1;
    const ports = servers.members.map(({ port }) => port);
    const gates: Gate[] = await Promise.all(ports.map(openGate));
    const first = await open(
      gates.map(({ port }) => port),
      `contract-${groups}`,
      { leaseMs },
    );
    const second = await open(ports, `contract-${groups}`, { leaseMs });
    return {
      first,
      second,
      oids: OIDS,
      freeze: () => gates.forEach((gate) => gate.shut('both')),
      thaw: () => gates.forEach((gate) => gate.reopen()),
      async remove() {
        await Promise.all([first.close(), second.close()]);
        await Promise.all(gates.map((gate) => gate.close()));
      },
    };
  }

  coordinatorContract('keys of etcd', openMembers);

  const portsOf = () => servers.members.map(({ port }) => port);
  const opened: Coordinator[] = [];
  const inGroup = async (
    name: string,
    options: Partial<EtcdOptions> & { ports?: readonly number[] } = {},
  ) => {
    const { ports = portsOf(), ...others } = options;
    const coordinator = await open(ports, name, others);
    opened.push(coordinator);
    return coordinator;
  };
  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all(opened.splice(0).map((one) => one.close()));
  });

  const take = (coordinator: Coordinator, refs: readonly string[], holder = 'eu') =>
    coordinator.lock(refs, { holder, transaction: `${holder}-1`, signal: new AbortController().signal });

  test('goes on when the member is killed that leads, with a lock held and another waited for', async () => {
    const [first, second] = [await inGroup('minority'), await inGroup('minority')];
    const lease = await take(first, [MAIN]);
    await lease.commit([{ ref: MAIN, old: null, new: A }]);
    const waited = take(second, [MAIN], 'us');
    const leader = await servers.leader();
    await leader.kill();
    await lease.commit([{ ref: MAIN, old: A, new: B }]);
    expect(lease.lost.aborted).toBe(false);
    await lease.release();
    const next = await waited;
    await next.commit([{ ref: MAIN, old: B, new: C }]);
    await next.release();
    expect(await first.state()).toEqual(new Map([[MAIN, C]]));
    leader.start();
    await servers.ready();
  });

  test('goes on when a member stands still, and is not slow for long', async () => {
    const coordinator = await inGroup('still', { answerMs: 3000 });
    const leader = await servers.leader();
    const other = servers.members.find((member) => member !== leader);
    other?.freeze();
    for (const [old, next] of [[null, A] as const, [A, B] as const]) {
      const lease = await take(coordinator, [MAIN]);
      await lease.commit([{ ref: MAIN, old, new: next }]);
      await lease.release();
    }
    other?.start();
    expect(await coordinator.state()).toEqual(new Map([[MAIN, B]]));
    await servers.ready();
  });

  test('refuses all without most of the members, names them, and goes on when one is back', async () => {
    const coordinator = await inGroup('majority', { answerMs: 1500 });
    const lease = await take(coordinator, [MAIN]);
    await lease.commit([{ ref: MAIN, old: null, new: A }]);
    const [one, two] = servers.members;
    await Promise.all([one.kill(), two.kill()]);
    const refused = {
      code: 'member-unreachable',
      message: expect.stringContaining(`127.0.0.1:${one.port}, 127.0.0.1:${two.port}`),
    };
    await expect(lease.commit([{ ref: MAIN, old: A, new: B }])).rejects.toMatchObject(refused);
    await expect(take(coordinator, [NEXT])).rejects.toMatchObject(refused);
    await expect(coordinator.state()).rejects.toMatchObject(refused);
    await expect(coordinator.locks()).rejects.toMatchObject(refused);
    const gaveUp = coordinator.lock([NEXT], {
      holder: 'eu',
      transaction: 'x',
      signal: AbortSignal.timeout(300),
    });
    await expect(gaveUp).rejects.toMatchObject({ ...refused, code: 'lock-timeout' });
    one.start();
    await servers.ready();
    await lease.release();
    // The commit that was not answered may have been made when there was a leader again; it is not, any more, once the lock is another's.
    const next = await take(coordinator, [MAIN]);
    const now = (await coordinator.state()).get(MAIN) ?? null;
    expect([A, B]).toContain(now);
    await next.commit([{ ref: MAIN, old: now, new: C }]);
    await next.release();
    expect(await coordinator.state()).toEqual(new Map([[MAIN, C]]));
    two.start();
    await servers.ready();
  });

  test('says whom it cannot reach where nobody listens', async () => {
    const port = await closedPort();
    const coordinator = await inGroup('nobody', { ports: [port], answerMs: 300 });
    await expect(coordinator.state()).rejects.toMatchObject({
      code: 'member-unreachable',
      message: expect.stringMatching(
        new RegExp(`^etcd at 127\\.0\\.0\\.1:${port} cannot be reached: .*ECONNREFUSED`),
      ),
      suggestion: expect.stringContaining('etcdctl'),
    });
  });

  test('lets its process end when it is closed, and while nothing is asked of it', async () => {
    const [source] = ['../../../src/replica/etcd-coordinator.ts'].map(
      (path) => new URL(path, import.meta.url).href,
    );
    const endpoints = { hosts: portsOf().map((port) => `127.0.0.1:${port}`), secure: false, login: null };
    const script = (end: string) => `
      const { openEtcdCoordinator } = await import(${JSON.stringify(source)});
      const coordinator = await openEtcdCoordinator({ endpoints: ${JSON.stringify(endpoints)}, group: 'end' });
      const lease = await coordinator.lock(['refs/heads/main'], {
        holder: 'eu', transaction: 'x', signal: new AbortController().signal,
      });
      await lease.release();
      ${end}
      console.log('at the end');
    `;
    for (const end of ['await coordinator.close();', '']) {
      const args = ['--import', 'tsx', '--input-type=module', '--eval', script(end)];
      // One that hangs is ended by the sandbox, and fails.
      const { stdout } = await sandbox.run(process.execPath, args, { cwd: process.cwd() });
      expect(stdout).toBe('at the end\n');
    }
  });

  test('commits once where the answer is lost, though it is asked again', async () => {
    const [behind = 0, ...others] = portsOf();
    const gate = await openGate(behind);
    const coordinator = await inGroup('answers', {
      ports: [gate.port, ...others],
      answerMs: 1500,
      leaseMs: 30_000,
    });
    const lease = await take(coordinator, [MAIN, NEXT]);
    gate.shut('answers');
    await lease.commit([{ ref: MAIN, old: null, new: A }]);
    await lease.commit([{ ref: MAIN, old: A, new: B }]);
    gate.reopen();
    await lease.commit([{ ref: NEXT, old: null, new: A }]);
    await lease.release();
    expect(await coordinator.state()).toEqual(
      new Map([
        [MAIN, B],
        [NEXT, A],
      ]),
    );
    await gate.close();
  });

  test('takes a lock once where the answer is lost, and gives it back', async () => {
    const [behind = 0, ...others] = portsOf();
    const gate = await openGate(behind);
    const coordinator = await inGroup('taken', {
      ports: [gate.port, ...others],
      answerMs: 1500,
      leaseMs: 30_000,
    });
    await coordinator.state();
    const txn = vi.spyOn(EtcdCluster.prototype, 'txn').mockImplementationOnce(function (
      this: EtcdCluster,
      ...asked
    ) {
      gate.shut('answers');
      txn.mockRestore();
      return this.txn(...asked);
    });
    const lease = await take(coordinator, [MAIN, NEXT]);
    await lease.commit([{ ref: MAIN, old: null, new: A }]);
    await lease.release();
    expect([await coordinator.state(), await coordinator.locks()]).toEqual([new Map([[MAIN, A]]), []]);
    await gate.close();
  });

  test('reads the state anew where the cluster is told to forget it meanwhile', async () => {
    const coordinator = await inGroup('forgotten');
    const lease = await take(coordinator, [MAIN]);
    await lease.commit([{ ref: MAIN, old: null, new: A }]);
    const raw = new Etcd3({ hosts: portsOf().map((port) => `127.0.0.1:${port}`) });
    const read = vi.spyOn(EtcdCluster.prototype, 'read').mockImplementationOnce(async function* (
      this: EtcdCluster,
      ...asked
    ) {
      await lease.commit([{ ref: MAIN, old: A, new: B }]);
      const { header } = await raw.kv.range({ key: Buffer.from('any') });
      await raw.kv.compact({ revision: header.revision });
      yield* this.read(...asked);
    });
    expect(await coordinator.state()).toEqual(new Map([[MAIN, B]]));
    expect(read.mock.calls.length).toBeGreaterThan(1);
    await lease.release();
    raw.close();
  });

  test('refuses what it cannot read in place of a commit of many, instead of overlooking it', async () => {
    const coordinator = await inGroup('unreadable');
    const raw = new Etcd3({ hosts: portsOf().map((port) => `127.0.0.1:${port}`) });
    const key = Buffer.from('gam/unreadable/wide');
    const refused = { code: 'member-refused', message: expect.stringContaining('gam/unreadable/') };
    for (const value of ['committed later', 'committed 1-1 1']) {
      await raw.kv.put({ key, value: Buffer.from(value) });
      await expect(coordinator.state()).rejects.toMatchObject(refused);
      const lease = await take(coordinator, [MAIN]);
      await expect(lease.commit([{ ref: MAIN, old: null, new: A }])).rejects.toMatchObject(refused);
      await lease.release();
    }
    raw.close();
  });

  test('refuses a push when one of many refs holds it up for too long, and takes it afterwards', async () => {
    const coordinator = await inGroup('held-up', { leaseMs: 1000 });
    const raw = new Etcd3({ hosts: portsOf().map((port) => `127.0.0.1:${port}`) });
    const key = Buffer.from('gam/held-up/wide');
    await raw.kv.put({ key, value: Buffer.from('preparing 1-1 1') });
    const lease = await take(coordinator, [MAIN]);
    const commit = () => lease.commit([{ ref: MAIN, old: null, new: A }]);
    await expect(commit()).rejects.toMatchObject({
      code: 'lock-timeout',
      message: expect.stringContaining('many refs'),
    });
    await raw.kv.deleteRange({ key });
    await commit();
    await lease.release();
    expect(await coordinator.state()).toEqual(new Map([[MAIN, A]]));
    raw.close();
  });

  // A question that got lost on its way, and was asked again, may come at any later time.
  test('changes nothing by a question that comes a second time, however late', async () => {
    const coordinator = await inGroup('late');
    const raw = new Etcd3({ hosts: portsOf().map((port) => `127.0.0.1:${port}`) });
    const few = [MAIN, NEXT];
    const many = Array.from({ length: 150 }, (_, n) => `refs/heads/topic/${n}`);
    const asked = vi.spyOn(EtcdCluster.prototype, 'txn');
    for (const refs of [few, many]) {
      const rest = (await coordinator.state()).entries();
      const others = [...rest].filter(([ref]) => !refs.includes(ref));
      const lease = await take(coordinator, refs);
      let old: string | null = null;
      const check = async () => {
        const expected = new Map([
          ...others,
          ...(old === null ? [] : refs.map((ref) => [ref, old] as const)),
        ]);
        expect(await coordinator.state()).toEqual(expected);
        const writes = asked.mock.calls.filter(([request]) => request.compare !== undefined);
        for (const [request] of writes) {
          // One that names a lease that is over is refused; that is well, too.
          await raw.kv.txn(request).catch(() => undefined);
          expect(await coordinator.state()).toEqual(expected);
        }
      };
      // Again and again what it was before: a comparison of values alone would let the first one in.
      for (const next of [A, B, A, null, A]) {
        await lease.commit(refs.map((ref) => ({ ref, old, new: next })));
        old = next;
        await check();
      }
      await lease.release();
      await check();
    }
    expect(await coordinator.locks()).toEqual([]);
    const left = await raw.getAll().prefix('gam/late/').keys();
    expect(left.filter((key) => !key.startsWith('gam/late/state/'))).toEqual([]);
    raw.close();
  });

  // Of a commit of many refs, and one of few that comes behind it. Each of its questions is the last: it is not sent, or it is, and nobody
  // hears the answer; and from then on nothing is heard of the pusher.
  test('leaves all of many refs as they were, or changes all, wherever their pusher dies', async () => {
    const refs = Array.from({ length: 230 }, (_, n) => `refs/heads/topic/${n}`);
    const before = refs.filter((_, n) => n % 3 > 0).map((ref) => ({ ref, old: null, new: A }));
    const old = new Map(before.map(({ ref }) => [ref, A]));
    const changes = refs.map((ref, n) => ({ ref, old: old.get(ref) ?? null, new: n % 3 === 1 ? null : B }));
    const made = new Map(changes.flatMap(({ ref, new: to }) => (to === null ? [] : [[ref, to] as const])));
    const opens = vi.spyOn(EtcdCluster, 'open');
    const seen = { old: 0, new: 0 };

    const dieAt = async (step: number, isSent: boolean, isLate: boolean): Promise<number> => {
      const group = `step-${step}-${isSent}-${isLate}`;
      const other = await inGroup(group);
      const opening = inGroup(group, Number.isFinite(step) ? { leaseMs: 2000 } : {});
      const cluster = (await opens.mock.results.at(-1)?.value) as EtcdCluster;
      const coordinator = await opening;
      const filling = await take(other, refs, 'us');
      await filling.commit(before);
      await filling.release();
      const dead = () => Promise.reject(new GamError('member-unreachable', 'dead'));
      const lease = await take(coordinator, refs);
      const txn = cluster.txn.bind(cluster);
      let questions = 0;
      const sent: Parameters<typeof txn>[] = [];
      cluster.txn = async (...asked) => {
        questions += 1;
        if (questions > step) return dead();
        sent.push(asked);
        if (questions === step) {
          cluster.renewLease = dead;
          cluster.endLease = dead;
          if (isSent) await txn(...asked);
          return dead();
        }
        return txn(...asked);
      };
      const done = await lease.commit(changes).then(
        () => true,
        () => false,
      );
      // What it has sent may come late, or again.
      if (isLate) for (const asked of sent) await txn(...asked).catch(() => undefined);
      // Its lock is the next one's when its lease is over, and all that was tied to that is gone.
      if (isLate && step <= questions) await (await take(other, refs, 'us')).release();
      const isNew = (await other.state()).get(refs[0] ?? '') === B;
      expect(await other.state()).toEqual(isNew ? made : old);
      if (done) expect(isNew).toBe(true);
      seen[isNew ? 'new' : 'old'] += 1;
      const few = await take(other, [refs[0] ?? '', MAIN], 'us');
      await few.commit([
        { ref: refs[0] ?? '', old: isNew ? B : null, new: C },
        { ref: MAIN, old: null, new: C },
      ]);
      const expected = new Map([...(isNew ? made : old), [refs[0] ?? '', C], [MAIN, C]]);
      expect(await other.state()).toEqual(expected);
      // It wakes up, and goes on.
      cluster.txn = txn;
      await expect(lease.commit(changes)).rejects.toMatchObject({
        code: expect.stringMatching(/lease-lost|member-unreachable|replica-behind/),
      });
      expect(await other.state()).toEqual(expected);
      await few.release();
      return questions;
    };

    const all = await dieAt(Number.POSITIVE_INFINITY, false, false);
    expect(all).toBeGreaterThan(9);
    const steps = Array.from({ length: all }, (_, n) => n + 1);
    for (const isLate of [false, true])
      await Promise.all(steps.flatMap((step) => [dieAt(step, false, isLate), dieAt(step, true, isLate)]));
    expect(Math.min(seen.old, seen.new)).toBeGreaterThan(5);
  });
}

function withLogins(): void {
  test('is spoken to over TLS, with a name and a password that no message shows', async () => {
    const sandbox = makeSandbox();
    const { cert, path } = await makeCertificate(sandbox);
    const servers = await startEtcd(sandbox, { tls: { cert: path, key: sandbox.path('tls.key') } });
    const hosts = servers.members.map(({ port }) => `localhost:${port}`);
    const administrator = new Etcd3({
      hosts: hosts.map((host) => `https://${host}`),
      credentials: { rootCertificate: cert },
    });
    const opened: Coordinator[] = [];
    const openAs = async (login: string, certificates?: EtcdOptions['certificates']) => {
      const endpoints = parseEtcdEndpoints(`etcd:https://${login}${hosts.join(',')}`);
      const others = certificates === undefined ? {} : { certificates };
      const coordinator = await openEtcdCoordinator({ endpoints, group: 'tls', answerMs: 60_000, ...others });
      opened.push(coordinator);
      return coordinator;
    };
    try {
      // Answers when it has a leader.
      expect(await (await openAs('', { ca: cert })).state()).toEqual(new Map());
      await administrator.user('root').create('open%sesame');
      await administrator.role('root').create();
      await administrator.user('root').addRole('root');
      await administrator.auth.authEnable();

      const coordinator = await openAs('root:open%25sesame@', { ca: cert });
      const lease = await coordinator.lock([MAIN], {
        holder: 'eu',
        transaction: 'x',
        signal: new AbortController().signal,
      });
      await lease.commit([{ ref: MAIN, old: null, new: A }]);
      await lease.release();
      expect(await coordinator.state()).toEqual(new Map([[MAIN, A]]));

      const refused = { code: 'member-refused', message: expect.not.stringContaining('shibboleth') };
      await expect((await openAs('root:shibboleth@', { ca: cert })).state()).rejects.toMatchObject(refused);
      await expect((await openAs('', { ca: cert })).state()).rejects.toMatchObject(refused);
    } finally {
      administrator.close();
      await Promise.all(opened.map((one) => one.close()));
      await servers.close();
      await sandbox.close();
    }
  });
}
