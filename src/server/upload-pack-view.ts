import { readConfig } from '../git/config.ts';
import { enterRepo } from '../git/enter-repo.ts';
import { type Environment, withoutRepository } from '../git/environment.ts';
import { fetchRefspecs, isPartial } from '../mirror/carried.ts';
import { parseViewPath } from './find-view.ts';
import type { UploadPackWords } from './upload-pack-words.ts';
import { Views } from './views.ts';

/** A view for one connection, to be removed behind it. */
export interface NamedView {
  gitDir: string;
  close(): Promise<void>;
}

/** Where `gam upload-pack` runs. */
interface Here {
  env: Environment;
  cwd: string;
  signal: AbortSignal;
}

/**
 * Makes the view that `<clone>/-/remotes/<remote>` names, as it is at `gam serve`, where no repository has that very name.
 * @returns null for anything else, and for a clone that cannot be served so; git has words for that
 */
export async function openNamedView(
  { directory, strict }: UploadPackWords,
  { env, cwd, signal }: Here,
): Promise<NamedView | null> {
  const named = parseViewPath(directory);
  if (named === null || (await enterRepo(directory, strict, { env, cwd, signal })) !== null) return null;
  const gitDir = await enterRepo(named.clone, strict, { env, cwd, signal });
  if (gitDir === null) return null;
  const own = withoutRepository(env);
  const views = new Views(own, (read) => read());
  signal.addEventListener('abort', () => views.end(), { once: true });
  try {
    const { remote } = named;
    const entries = await readConfig({ cwd: gitDir, env: own, signal });
    const isCarried = fetchRefspecs(entries, remote).length > 0 && !isPartial(entries);
    const view = isCarried ? await views.open({ gitDir, remote, entries }, true) : null;
    if (view !== null) return { gitDir: view.gitDir, close: () => views.close() };
  } catch {
    // git will not work there, or the clone lacks objects.
  }
  await views.close();
  return null;
}
