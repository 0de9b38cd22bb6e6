import { GamError } from '../../../src/errors.ts';
import { type MemberLine, OwnLine } from '../../../src/replica/member-line.ts';
import { perform } from '../../../src/replica/perform.ts';
import { RefsArbiter } from '../../../src/replica/refs-arbiter.ts';
import { RefsCoordinator } from '../../../src/replica/refs-coordinator.ts';
import type { Answer, Operation } from '../../../src/replica/request.ts';
import { coordinatorContract, type Members, stateContract } from '../../helpers/coordinator-contract.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

/** A way to the arbiter that can be cut off. */
class Cuttable implements MemberLine {
  cut = false;
  readonly #line: MemberLine;

  constructor(line: MemberLine) {
    this.#line = line;
  }

  async ask(operation: Operation): Promise<Answer> {
    if (this.cut) throw new GamError('member-unreachable', 'the arbiter cannot be reached');
    return this.#line.ask(operation);
  }

  async idle(): Promise<void> {}
}

async function open(objectFormat: 'sha1' | 'sha256', leaseMs: number): Promise<Members> {
  const sandbox = makeSandbox();
  const shape = { commits: 9, tags: 0, branches: 1, files: 1, objectFormat };
  const arbiter = await generateHistory(sandbox, 'arbiter.git', shape);
  const listed = await sandbox.git(['rev-list', '--all'], { cwd: 'arbiter.git' });
  const [a = '', b = '', c = ''] = listed.stdout.split('\n');
  const pace = { leaseMs, firstLookMs: 20, lookMs: 100 };
  const run = { cwd: arbiter, env: sandbox.env };
  const own = () =>
    new Cuttable(new OwnLine((operation) => perform(operation, { self: 'eu', run, wake: () => undefined })));
  const [mine, theirs] = [own(), own()];
  return {
    first: new RefsCoordinator(new RefsArbiter(mine, objectFormat), pace),
    second: new RefsCoordinator(new RefsArbiter(theirs, objectFormat), pace),
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
// Locks are the same whatever ids look like.
stateContract('refs of an arbiter with SHA-256', (leaseMs) => open('sha256', leaseMs));
