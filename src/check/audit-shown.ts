import type { GitUrl } from '../protocol/git-url.ts';
import { daemonProxy } from '../transport/daemon.ts';
import { type Credential, NOTHING_SHOWN, type Shown } from '../transport/shown.ts';
import { sshProgram } from '../transport/ssh.ts';
import type { WebSurroundings } from '../transport/web-logins.ts';
import { shownToWeb } from '../transport/web-shown.ts';

// With which keys ssh logs in is in its own configuration, which only ssh can read.
function sshCredentials({ env, entries }: WebSurroundings): Credential[] {
  const { from } = sshProgram({ env, entries });
  const agent: Credential[] = env['SSH_AUTH_SOCK']
    ? [{ kind: 'agent', from: 'SSH_AUTH_SOCK', sent: 'asked' }]
    : [];
  return [{ kind: 'key', from, sent: 'asked' }, ...agent];
}

/** What the server at a URL is shown, where git talks to it with this configuration and environment. */
export async function shownTo(url: GitUrl, around: WebSurroundings): Promise<Shown> {
  const { env, entries, agent } = around;
  switch (url.kind) {
    case 'web':
      return shownToWeb(url, around);
    case 'ssh':
      return { ...NOTHING_SHOWN, credentials: sshCredentials(around), userAgent: agent };
    case 'git': {
      const proxy = daemonProxy(url.hostAndPort, { env, entries });
      // The program's text is the user's, and may hold anything.
      const named = proxy && { url: 'a program', from: proxy.from, login: false };
      return { ...NOTHING_SHOWN, proxy: named, userAgent: agent };
    }
    case 'file':
      return NOTHING_SHOWN;
  }
}
