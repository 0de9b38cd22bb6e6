import { accessSync, constants, statfsSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const MEMORY = '/dev/shm';
const ROOM = 4 * 2 ** 30;

// Most of a test is git making small repositories, which is a fifth faster where no disk takes part. The suite fills
// 0.7 GiB at its peak; a container's own /dev/shm (64 MiB, mostly) is too small for it. Who names a folder, gets it.
function folderForSandboxes(): string {
  const named = process.env['TMPDIR'];
  if (named !== undefined) return named;
  try {
    accessSync(MEMORY, constants.R_OK | constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ROOM ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

// The tests that kill something at each step, and those of groups, in which leases have to run out, take longest. In a fresh
// clone, where no earlier run tells, they would start last, by the size of their files, and the others' processes would stand
// idle beside them.
const LONGEST = ['/integration/replica/', '/e2e/replica-', '/integration/crash/'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isFirst = ({ moduleId }: TestSpecification) => LONGEST.some((part) => moduleId.includes(part));
    const sorted = await super.sort(files);
    return [...sorted.filter(isFirst), ...sorted.filter((file) => !isFirst(file))];
  }
}

export default defineConfig({
  test: {
    reporters: ['default', './test/helpers/counts-reporter.ts'],
    // Some tests run git a hundred times, and a machine may be busy; they end a test that hangs, nothing else.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: 'forks',
    sequence: { sequencer: LongestFirst },
    // More than there are cores: many tests wait for a slow line.
    maxWorkers: availableParallelism() + 2,
    env: { TMPDIR: folderForSandboxes() },
    dangerouslyIgnoreUnhandledErrors: false,
    projects: [
      // No file leaves anything behind in its process, and all load sooner where one process runs many of them.
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false } },
      {
        extends: true,
        test: { name: 'git', include: ['test/{integration,e2e}/**/*.test.ts'], isolate: false },
      },
    ],
  },
});
