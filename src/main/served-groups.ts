import { existsSync } from 'node:fs';
import { lastValue, parseBoolean } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import { servingEnvironment } from '../git/http-backend.ts';
import { runGit } from '../git/run.ts';
import { placesOf } from '../replica/places.ts';
import { openReplica, type Replica } from '../replica/replica.ts';
import { seeGroup, unseenGroup } from '../replica/status.ts';
import type { GroupSource } from '../server/groups.ts';

// To look, programs are started that the repository's configuration names. Looked for from inside, without GIT_DIR, one of another user's is
// none to git (safe.directory); a bare one was named by its path, and may always be found.
async function isTrusted(gitDir: string, env: Environment): Promise<boolean> {
  const words = ['-c', 'safe.bareRepository=all', 'rev-parse', '--git-dir'];
  return (await runGit(words, { cwd: gitDir, env })).status === 0;
}

/**
 * Tells a server of the groups that its repositories are in.
 * @param env that in which gam serve was started; members are asked by what it says, such as its user's keys for ssh
 */
export function servedGroups(env: Environment): GroupSource {
  const own = servingEnvironment(env);
  const open = async (gitDir: string): Promise<Replica | null> => {
    if (!(await isTrusted(gitDir, own))) return null;
    const replica = await openReplica(gitDir, { env: own, warn: () => undefined });
    const isServed = parseBoolean(lastValue(replica?.config ?? [], 'http', null, 'uploadpack') ?? 'true');
    return isServed === false ? null : replica;
  };
  return {
    mayBeMember: (gitDir) => existsSync(placesOf(gitDir).group),
    open: async (gitDir) => {
      const replica = await open(gitDir);
      return replica && unseenGroup(replica);
    },
    look: async (gitDir, signal) => {
      const replica = await open(gitDir);
      return replica && seeGroup(replica, signal);
    },
  };
}
