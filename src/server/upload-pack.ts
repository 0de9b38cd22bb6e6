import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import type { ConfigEntry } from '../config/entries.ts';
import { readMirrorList } from '../config/mirror-list.ts';
import { readConfig } from '../git/config.ts';
import { enterRepo } from '../git/enter-repo.ts';
import type { Environment } from '../git/environment.ts';
import { type Exit, endProcess, startProcess } from '../git/process.ts';
import type { Capability } from './capability.ts';
import { lookAt, sshAddress } from './client.ts';
import { interpose, type Line } from './interpose.ts';
import { mirrorListCapabilities } from './mirror-list.ts';
import { asksForV2 } from './protocol-version.ts';
import { openNamedView } from './upload-pack-view.ts';
import { parseUploadPackWords, type UploadPackWords } from './upload-pack-words.ts';

/** What `gam upload-pack` is given by whoever starts it. */
export interface UploadPackProcess {
  env: Environment;
  cwd: string;
  /** Standard input and output; not touched where git gets them. */
  streams(): Line;
  /** Ends git. */
  signal: AbortSignal;
  /** Is told what is wrong with the configuration. */
  warn: (message: string) => void;
}

/** What git's upload-pack ends with where it has told the client of an error (usage.c, die). */
const DIED = 128;

async function capabilitiesOf(
  { directory, strict }: UploadPackWords,
  { env, cwd, signal, warn }: UploadPackProcess,
): Promise<Capability[]> {
  const gitDir = await enterRepo(directory, strict, { env, cwd, signal });
  if (gitDir === null) return [];
  // What is wrong with the repository, or its configuration, git says.
  const read = readConfig({ env: { ...env, GIT_DIR: gitDir }, signal });
  const entries: ConfigEntry[] = await read.catch(() => []);
  const { settings, warnings } = readMirrorList(entries);
  // A list that is not told need not be in order, unless that is why.
  const isWhy = (warning: string) => warning.includes('mirrorList.enabled=');
  for (const warning of warnings) if (settings.enabled || isWhy(warning)) warn(warning);
  return mirrorListCapabilities({ settings, entries }, lookAt(sshAddress(env), warn));
}

function statusOf({ status, signal }: Exit): number {
  return status ?? 128 + constants.signals[signal ?? 'SIGTERM'];
}

/**
 * Serves a repository as git's upload-pack does, and by it; in protocol v2, and where the repository has its mirror list
 * told, the list is told, too. In every other case git has the descriptors for itself. `<clone>/-/remotes/<remote>` is a clone as
 * that which its remote is.
 * @param words what stands behind `upload-pack`, for git's own
 * @returns its exit status, as a shell gives it; 128 where a request for the list was refused
 */
export async function uploadPack(words: readonly string[], here: UploadPackProcess): Promise<number> {
  const parsed = parseUploadPackWords(words);
  const view = parsed === null ? null : await openNamedView(parsed, here);
  if (parsed === null || view === null) return serveByGit(words, parsed, here);
  try {
    const inPlace = words.map((word) => (word === parsed.directory ? view.gitDir : word));
    return await serveByGit(inPlace, { ...parsed, directory: view.gitDir }, here);
  } finally {
    await view.close();
  }
}

async function serveByGit(
  words: readonly string[],
  asked: UploadPackWords | null,
  here: UploadPackProcess,
): Promise<number> {
  const { env, cwd, signal } = here;
  const parsed = asksForV2(env['GIT_PROTOCOL']) ? asked : null;
  const table = parsed === null ? [] : await capabilitiesOf(parsed, here);
  const args = ['upload-pack', ...words];
  if (parsed === null || table.length === 0)
    return statusOf(await startProcess('git', args, { env, cwd, signal, stdio: 'inherit' }).exit);
  const { child, exit } = startProcess('git', args, { env, cwd, signal, stdio: ['pipe', 'pipe', 'inherit'] });
  const output = child.stdin as Writable;
  // It ends before it has read everything; how, its exit status tells.
  output.on('error', () => undefined);
  const service = { input: child.stdout as Readable, output, close: () => endProcess(child) };
  // What a signal has broken off is of no use to a client, and to one that takes nothing it would never be said.
  const killed = new Promise<Exit>((resolve) => {
    child.once('exit', (status, by) => {
      if (by !== null) resolve({ status, signal: by });
    });
  });
  const served = interpose({ client: here.streams(), service, greets: parsed.greets }, table);
  const refused = served.then(async (refusal) => (refusal === null ? exit : { status: DIED, signal: null }));
  return statusOf(await Promise.race([refused, killed]));
}
