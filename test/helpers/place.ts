import { fakeSsh } from './fake-ssh.ts';
import { startGitDaemon } from './git-daemon.ts';
import { startHttpServer } from './http-server.ts';
import type { Sandbox } from './sandbox.ts';

/** The ways to reach a repository. */
export type Scheme = 'http' | 'ssh' | 'git' | 'file' | 'path';

/** A folder of the sandbox, served in one way. */
export interface Place {
  readonly scheme: Scheme;
  /** The folder of the sandbox, such as `served/mirror`. */
  readonly folder: string;
  /** The URL of a repository in it. */
  url(repository: string): string;
  /** Requests, connections or logins so far; null where nobody counts, for files. */
  contacts(): number | null;
  /** What git needs in its environment to come here. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Serves a folder; `push` lets the servers that ask take pushes. */
export async function openPlace(
  sandbox: Sandbox,
  scheme: Scheme,
  folder: string,
  push = false,
): Promise<Place> {
  const path = sandbox.path(folder);
  const options = { root: path, env: sandbox.serverEnv, push };
  const nothing = { scheme, folder, env: {}, contacts: () => null, close: () => Promise.resolve() };
  switch (scheme) {
    case 'http': {
      const server = await startHttpServer(options);
      const url = (repository: string) => `${server.url}/${repository}`;
      return { ...nothing, url, contacts: () => server.requests.length, close: () => server.close() };
    }
    case 'git': {
      const daemon = await startGitDaemon(options);
      const url = (repository: string) => `${daemon.url}/${repository}`;
      return { ...nothing, url, contacts: () => daemon.connections, close: () => daemon.close() };
    }
    case 'ssh': {
      const ssh = fakeSsh(sandbox);
      const host = `${folder.replaceAll(/[^a-z]/g, '-')}.example`;
      const logins = () => ssh.calls().filter((call) => call.includes(`${host} `)).length;
      return { ...nothing, url: (name) => `ssh://${host}${path}/${name}`, contacts: logins, env: ssh.env };
    }
    case 'file':
      return { ...nothing, url: (repository) => `file://${path}/${repository}` };
    case 'path':
      return { ...nothing, url: (repository) => `${path}/${repository}` };
  }
}
