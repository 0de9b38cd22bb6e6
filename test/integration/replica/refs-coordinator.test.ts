import { GamError } from '../../../src/errors.ts';
import { Arbiter, type ArbiterOptions } from '../../../src/git/arbiter.ts';
import type { RefSwap } from '../../../src/git/swap-refs.ts';
import { RefsCoordinator } from '../../../src/replica/refs-coordinator.ts';
import { coordinatorContract, type Members } from '../../helpers/coordinator-contract.ts';
import { generateHistory, initBare } from '../../helpers/repository.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

/** A way to the arbiter that can be cut off. */
class Cuttable extends Arbiter {
  cut = false;

  #check(): void {
    if (this.cut) throw new GamError('member-unreachable', 'the arbiter cannot be reached');
  }

  override async list(prefixes: readonly string[]): Promise<Map<string, string>> {
    this.#check();
    return super.list(prefixes);
  }

  override async swap(swaps: readonly RefSwap[]): Promise<boolean> {
    this.#check();
    return super.swap(swaps);
  }
}

async function open(objectFormat: 'sha1' | 'sha256', leaseMs: number): Promise<Members> {
  const sandbox = makeSandbox();
  const arbiter = await initBare(sandbox, 'arbiter.git', objectFormat);
  const shape = { commits: 9, tags: 0, branches: 1, files: 1, objectFormat };
  const members = await Promise.all(
    ['first.git', 'second.git'].map((path) => generateHistory(sandbox, path, shape)),
  );
  const listed = await sandbox.git(['rev-list', '--all'], { cwd: 'first.git' });
  const [a = '', b = '', c = ''] = listed.stdout.split('\n');
  const pace = { leaseMs, firstLookMs: 20, lookMs: 100 };
  const optionsOf = (cwd: string): ArbiterOptions => ({
    url: arbiter,
    cwd,
    env: sandbox.env,
    prove: () => [],
  });
  const [mine, theirs] = members.map((cwd) => new Cuttable(optionsOf(cwd))) as [Cuttable, Cuttable];
  return {
    first: new RefsCoordinator(mine, pace),
    second: new RefsCoordinator(theirs, pace),
    oids: [a, b, c],
    freeze: () => {
      mine.cut = true;
    },
    thaw: () => {
      mine.cut = false;
    },
    remove: () => sandbox.close(),
  };
}

coordinatorContract('refs of an arbiter', (leaseMs) => open('sha1', leaseMs));
coordinatorContract('refs of an arbiter with SHA-256', (leaseMs) => open('sha256', leaseMs));
