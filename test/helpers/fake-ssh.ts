import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from './sandbox.ts';

/** An ssh that logs in here whatever the host; it cannot reach `unreachable`, and `forbidden` lets nobody in. */
export interface FakeSsh {
  /** Makes git use it. */
  readonly env: Readonly<Record<string, string>>;
  /** The arguments of each call, in order. */
  calls(): string[];
}

/** Gets an ssh ready for one sandbox. */
export function fakeSsh(sandbox: Sandbox): FakeSsh {
  const log = sandbox.path('ssh.log');
  const program = fileURLToPath(new URL('../../fixtures/bin/fake-ssh', import.meta.url));
  return {
    env: { GIT_SSH_COMMAND: `'${program}'`, FAKE_SSH_LOG: log },
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []),
  };
}
