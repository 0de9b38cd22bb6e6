import { afterAll, beforeAll, expect, test } from 'vitest';
import { convergence, DIVERGED_REFS } from '../../../src/replica/converge.ts';
import { swapToConverge } from '../../../src/replica/swap-most.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let run: { cwd: string; env: Readonly<Record<string, string>> };
let oids: string[];

beforeAll(async () => {
  sandbox = makeSandbox();
  const cwd = await generateHistory(sandbox, 'r.git', { commits: 3, tags: 0, branches: 1, files: 1 });
  run = { cwd, env: sandbox.env };
  oids = (await sandbox.git(['rev-list', 'main'], { cwd })).stdout.trim().split('\n');
});

afterAll(() => sandbox.close());

const MAIN = 'refs/heads/main';
const converge = (from: string, to: string) =>
  swapToConverge(convergence(new Map([[MAIN, from]]), new Map([[MAIN, to]]), () => false).swaps, run);
const refs = async (prefix: string) =>
  (await sandbox.git(['for-each-ref', '--format=%(objectname)', prefix], run)).stdout.trim().split('\n');

test('moves a ref also where what stood there was kept aside before', async () => {
  // The ref that keeps it was to be made anew, which git refuses: such a member could never catch up again.
  const [tip = '', other = ''] = oids;
  expect(await converge(tip, other)).toHaveLength(1);
  await sandbox.git(['update-ref', MAIN, tip], run);
  expect(await converge(tip, other)).toHaveLength(1);
  expect([await refs(MAIN), await refs(DIVERGED_REFS)]).toEqual([[other], [tip]]);
  await sandbox.git(['update-ref', MAIN, tip], run);
});

test('moves nothing where what stood there cannot be kept', async () => {
  const [tip = '', other = ''] = oids;
  const before = await refs('refs/');
  const missing = [{ ref: `${DIVERGED_REFS}heads/main/x`, old: null, new: 'f'.repeat(40) }];
  await expect(swapToConverge([...missing, { ref: MAIN, old: tip, new: other }], run)).rejects.toMatchObject({
    code: 'git-failed',
  });
  expect(await refs('refs/')).toEqual(before);
});
