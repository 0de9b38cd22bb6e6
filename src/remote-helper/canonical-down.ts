import { allValues, lastValue } from '../config/entries.ts';
import type { KeptClone } from '../git/kept-clone.ts';
import { gitCommandWords } from '../git/parent.ts';
import type { Exit } from '../git/process.ts';
import { hasRefs } from '../git/refs.ts';
import { gitOutput } from '../git/run.ts';
import { namesAhead } from '../mirror/ask-ahead.ts';
import { DOWN, downLine } from '../mirror/down-line.ts';
import { commandName } from '../protocol/command-words.ts';
import { remember } from '../state/measures.ts';
import { isBundleMirror } from './bundle-mirror.ts';
import { canonicalAnswers } from './canonical-answers.ts';
import { type HelperContext, type HelperProcess, stageTools } from './context.ts';
import type { HeadStart } from './head-start.ts';
import { hasPromisor } from './partial.ts';
import { stageUnverified, type Unasked } from './stage-unverified.ts';

/**
 * Does what mirrors can do when canonical has not greeted. git ends as it does without gam, as soon as this
 * process ends; until then a `git fetch` stages what a mirror has that is new, unverified, and a `gam clone`
 * keeps aside what its head start brings. Nothing of that where canonical has answered, were it only to refuse:
 * no mirror stands in for a server that says no.
 *
 * @param headStart is under way, and over in the end
 * @param exit how the process behind canonical's line ends; null where there is none
 * @throws only when interrupted
 */
export async function withoutCanonical(
  context: HelperContext,
  headStart: HeadStart,
  exit: Promise<Exit> | null,
): Promise<void> {
  const { process: own, mirrors, kept, trace, notes } = context;
  if (mirrors.length === 0) return headStart.abandon();
  const unwatch = watchGit(own);
  try {
    if (kept === null) await headStart.abandon();
    const words = await gitCommandWords(own.ppid);
    const command = commandName(words);
    trace('no-greeting', { command: command ?? 'unknown' });
    if (command === 'clone' && kept !== null) {
      const refused = await canonicalAnswers(context, exit);
      if (!refused) await keepClone(context, headStart);
      else await dropClone(kept, headStart);
    } else if (command === 'fetch' && !words.some((word) => word.startsWith('--dry'))) {
      await headStart.abandon();
      const unasked = await unaskedOf(context);
      if (unasked !== null && !(await canonicalAnswers(context, exit))) await keepFetch(context, unasked);
    }
  } catch (error) {
    own.interrupt.signal.throwIfAborted();
    trace('nothing-kept', { why: error instanceof Error ? error.message : String(error) });
  } finally {
    await headStart.abandon();
    unwatch();
  }
  own.interrupt.signal.throwIfAborted();
  await remember(notes, own.env);
}

// git waits, and has nothing more to say: its end is all that can be read.
function watchGit(own: HelperProcess): () => void {
  const { input } = own.streams();
  const gone = () => own.interrupt.abort();
  input.once('end', gone).resume();
  return () => void input.off('end', gone).pause();
}

/** Null where mirrors have no part in a fetch, or nobody but canonical could say what it is for. */
async function unaskedOf(context: HelperContext): Promise<Unasked | null> {
  const { remote, cuts, fetchesMirrorRefs, entries, process: own, place: find, progress } = context;
  if (remote === null || cuts || fetchesMirrorRefs || hasPromisor(entries)) return null;
  const tags = lastValue(entries, 'remote', remote, 'tagopt');
  const refspecs = allValues(entries, 'remote', remote, 'fetch');
  const names = namesAhead(refspecs);
  const place = await find();
  if (names.length === 0 || !place?.fit) return null;
  const { repository } = place;
  const shallow = await gitOutput(['rev-parse', '--is-shallow-repository'], repository);
  if (shallow.trimEnd() !== 'false') return null;
  return {
    repository,
    refspecs: tags === '--tags' ? [...refspecs, 'refs/tags/*'] : refspecs,
    names,
    format: lastValue(entries, 'extensions', null, 'objectformat') ?? 'sha1',
    haves: new Set<string>(),
    clone: !(await hasRefs(repository.gitDir, { env: own.env, cwd: own.cwd })),
    includeTag: tags !== '--no-tags',
    progress,
  };
}

async function keepFetch(context: HelperContext, unasked: Unasked): Promise<void> {
  const { mirrors, entries, report } = context;
  // Two must not write under refs/mirror/ at the same time.
  const left = await context.left;
  // A bundle has no refs that could be asked for.
  const servers = mirrors.filter((mirror) => !isBundleMirror(mirror, entries));
  if (servers.length === 0) return;
  const staged = await stageUnverified(servers, unasked, stageTools(context));
  report.line(downLine(staged, left));
}

// The head start may have been through before canonical refused.
async function dropClone(place: KeptClone, headStart: HeadStart): Promise<void> {
  await headStart.abandon();
  // Not what another clone is at work with.
  if (!place.found && (await place.take()) !== null) await place.drop();
}

async function keepClone({ report, kept: place }: HelperContext, headStart: HeadStart): Promise<void> {
  if (place?.found) report.line(`${DOWN}; what an earlier clone has brought stays kept`);
  else await headStart.finish(`${DOWN}; what a mirror sends is kept for the next gam clone`);
}
