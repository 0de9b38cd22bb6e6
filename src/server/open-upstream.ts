import { devNull } from 'node:os';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { servingEnvironment } from '../git/http-backend.ts';
import { KeptConfig, readConfigAndFiles, sharedConfigFiles } from '../git/kept-config.ts';
import { printable } from '../protocol/text.ts';
import { ListReader } from './lists.ts';
import type { Patience } from './patience.ts';
import { Upstream } from './upstream.ts';
import { parseUpstream, UpstreamLine } from './upstream-line.ts';

/** A git server that is to be put behind this one. */
export interface UpstreamOptions {
  url: string;
  /** An absolute path: git configuration with its mirror list; the user's and the system's configuration where none is named. */
  config?: string | undefined;
}

/**
 * Reads the mirror list of an upstream, and gets ready to pass requests on. Nothing is contacted yet.
 * @throws GamError `usage` for a URL that is none, `bad-config` where the configuration cannot be read
 */
export async function openUpstream(
  { url, config: named }: UpstreamOptions,
  environment: Environment,
  patience: Patience,
  warn: (message: string) => void,
): Promise<Upstream> {
  const line = new UpstreamLine(parseUpstream(url));
  const file = named ?? null;
  // The repository that the server happens to be started in has no say.
  const env = { ...servingEnvironment(environment), GIT_DIR: devNull };
  const read = () => readConfigAndFiles({ cwd: '/', env }, [], file === null ? [] : ['--file', file]);
  const first = await read().catch((cause: unknown) => {
    const message = `cannot read ${printable(file ?? 'the configuration')}: ${(cause as Error).message}`;
    throw new GamError('bad-config', message, { suggestion: 'name a file of git configuration', cause });
  });
  const reader = new ListReader(warn);
  if (reader.read(first.entries) === null)
    warn(
      `mirrorList.enabled is not set in ${printable(file ?? 'the configuration of git')}; nothing is added yet`,
    );
  const config = new KeptConfig(
    () => read().catch(() => null),
    [...first.files, ...(file === null ? sharedConfigFiles(env) : [file])],
  );
  return new Upstream({ line, config, reader, patience, warn });
}
