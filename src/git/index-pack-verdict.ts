import { readFile } from 'node:fs/promises';

const CHECK = '--check-self-contained-and-connected';

interface TraceEvent {
  event?: string;
  sid?: string;
  child_id?: number;
  argv?: string[];
  code?: number;
}

function parseEvent(line: string): TraceEvent {
  try {
    return JSON.parse(line) as TraceEvent;
  } catch {
    return {};
  }
}

/** `whole`: nothing in the pack leads out of it. `linked`: what leads out of it leads to objects that are here. */
export type PackVerdict = 'whole' | 'linked';

/**
 * What the index-pack that fetch-pack started found out about its pack: it exits with 0 when that is self-contained
 * and connected, with 1 when some of it leads to objects that were here before (git-index-pack(1)). fetch-pack would say `connectivity-ok`, but over a
 * stateless line of protocol v2 it has closed its standard output by then (seen on git 2.39.5 and 2.55), so
 * the verdict is read from git's own trace (api-trace2, "child_start", "child_exit").
 *
 * @param path the file that GIT_TRACE2_EVENT named; one that is missing or says nothing is no verdict
 */
export async function packVerdict(path: string): Promise<PackVerdict | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const events = text.split('\n').filter(Boolean).map(parseEvent);
  const start = events.findLast((e) => e.event === 'child_start' && e.argv?.includes(CHECK));
  const exit = events.find(
    (e) => e.event === 'child_exit' && e.sid === start?.sid && e.child_id === start?.child_id,
  );
  if (exit?.code === 0) return 'whole';
  return exit?.code === 1 ? 'linked' : null;
}
