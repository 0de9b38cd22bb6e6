import { GamError } from '../errors.ts';
import type { GitUrl } from '../protocol/git-url.ts';
import type { Connection, Opening } from './connection.ts';
import { openDaemon } from './daemon.ts';
import { openLocal } from './local.ts';
import { openSsh } from './ssh.ts';
import type { WebHelper } from './web.ts';

/**
 * Opens canonical's line as git would.
 * @throws GamError `canonical-down` where nobody answers, `bad-url` for a web URL, to which git's own helper leads
 */
export async function openCanonical(canonical: GitUrl, opening: Opening): Promise<Connection> {
  if (canonical.kind === 'ssh') return openSsh(canonical, opening);
  if (canonical.kind === 'git') return openDaemon(canonical, opening);
  if (canonical.kind === 'file') return openLocal(canonical, opening);
  throw new GamError('bad-url', 'a web URL has no line to open');
}

/** Canonical's line through git's web helper, once that has said that it is open. */
export function webLine(web: WebHelper): Connection {
  const { output, input, exit } = web;
  const close = () => web.end();
  return { output, input, stateless: true, exit, stderr: null, close, leave: () => web.leave() };
}
