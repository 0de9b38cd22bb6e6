import { readRemotes } from '../config/remotes.ts';
import { needRemote } from '../mirror/listing.ts';
import { readConfig } from './config.ts';
import { gitOutput, type RunOptions } from './run.ts';

const PREFIX = 'mirror::';

/**
 * Gives a remote another URL, as `git remote set-url` does; `mirror::` before it stays.
 * @throws GamError `unknown-remote`, `git-failed`
 */
export async function moveRemote(name: string, url: string, options: RunOptions): Promise<void> {
  const remote = needRemote(readRemotes(await readConfig(options)), name);
  const moved = remote.url.startsWith(PREFIX) ? PREFIX + url : url;
  await gitOutput(['remote', 'set-url', '--', name, moved], options);
}
