import { resolve } from 'node:path';
import type { Exit } from '../git/process.ts';
import { pathAnswers } from '../transport/reach.ts';
import { sshAnswers } from '../transport/ssh-reach.ts';
import { webAnswers } from '../transport/web-reach.ts';
import type { HelperContext } from './context.ts';

/**
 * Whether canonical has an answer of its own, be it a no, although it did not greet; looked at anew, for no
 * longer than gam.connectTimeout. In doubt it has.
 *
 * @param exit how the process behind its line ends; null where there is none
 * @throws when interrupted
 */
export async function canonicalAnswers(
  { canonical, canonicalUrl, remote, process: own, entries, settings, trace }: HelperContext,
  exit: Promise<Exit> | null,
): Promise<boolean> {
  const { signal } = own.interrupt;
  const reach = { ms: settings.connectTimeout, signal };
  const look = async () => {
    if (canonical.kind === 'file') return pathAnswers(resolve(own.cwd, canonical.path));
    // A daemon that refuses says so in a packet.
    if (canonical.kind === 'git') return false;
    const ended = await exit;
    // Somebody has killed it, which says nothing of canonical.
    if (ended?.status == null) return true;
    if (canonical.kind === 'web') return webAnswers(remote ?? canonicalUrl, canonical, own.env, reach);
    const line = { service: 'git-upload-pack', version: 2, family: undefined, stderr: 'pipe' } as const;
    return sshAnswers(canonical, { ...line, entries, env: own.env }, ended.status, reach);
  };
  const answered = await look();
  signal.throwIfAborted();
  trace(answered ? 'canonical-refused' : 'canonical-down');
  return answered;
}
