import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findRepository, type Repository } from '../../../src/git/repository.ts';
import { settleSurplus } from '../../../src/remote-helper/settle-surplus.ts';
import { commit, type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';

// What a mirror has brought, judged while git still unpacks what canonical sent: a walk passes over what is missing
// behind a commit that it is to leave out, and a mirror that is merely behind then looks as if it had diverged.

const STAGED = 'refs/mirror/m.example/heads/main';

let desk: Desk;
let top: string;
let repository: Repository;
/** Each the child of the one before: what the mirror has, what canonical has besides. */
let oids: { mirror: string; between: string; canonical: string };
let judged: unknown[];

beforeEach(async () => {
  desk = makeDesk();
  top = await makeRepository(desk, 'main');
  const mirror = await commit(desk, top, 'mirror');
  const between = await commit(desk, top, 'between', mirror);
  oids = { mirror, between, canonical: await commit(desk, top, 'canonical', between) };
  await desk.git(['update-ref', STAGED, mirror], top);
  repository = findRepository({ ...desk.env, GIT_DIR: '.git' }, top) as Repository;
  judged = [];
});
afterEach(() => desk.remove());

function fileOf(oid: string): string {
  return join(top, '.git/objects', oid.slice(0, 2), oid.slice(2));
}

async function settle(tip: string, isWaiting: () => boolean): Promise<void> {
  const refs = [{ name: STAGED, oid: tip }];
  const surplus = { tips: [tip], wanted: [oids.canonical], packs: [], refs, tags: new Map<string, string>() };
  await settleSurplus(
    surplus,
    repository,
    (step, facts) => judged.push([step, facts?.['within']]),
    isWaiting,
  );
}

const staged = () => desk.git(['for-each-ref', 'refs/mirror'], top);

test.each(['between', 'canonical'] as const)('it waits for what is not here yet (%s)', async (late) => {
  const aside = join(desk.top, 'aside');
  renameSync(fileOf(oids[late]), aside);
  let rounds = 0;
  await settle(oids.mirror, () => {
    rounds += 1;
    mkdirSync(dirname(fileOf(oids[late])), { recursive: true });
    if (rounds === 1) renameSync(aside, fileOf(oids[late]));
    return true;
  });
  expect(rounds).toBe(1);
  expect(judged).toEqual([['surplus-judged', true]]);
  expect(await staged()).toContain(STAGED);
});

test('what is beyond goes as soon as all is here', async () => {
  const beyond = await commit(desk, top, 'beyond', oids.mirror);
  await desk.git(['update-ref', STAGED, beyond], top);
  await settle(beyond, () => expect.unreachable());
  expect(judged).toEqual([
    ['surplus-judged', false],
    ['surplus-trimmed', undefined],
  ]);
  expect(await staged()).toBe('');
});

test('nobody waits for a git that has gone, and nothing is taken away then', async () => {
  renameSync(fileOf(oids.between), join(desk.top, 'aside'));
  await settle(oids.mirror, () => false);
  expect(judged).toEqual([['surplus-kept', undefined]]);
  expect(await staged()).toContain(STAGED);
});
