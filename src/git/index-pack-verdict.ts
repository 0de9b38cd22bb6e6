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

/**
 * Whether the index-pack that fetch-pack started found its pack self-contained and connected: it exits with 0
 * then, and with 1 otherwise (git-index-pack(1)). fetch-pack would say `connectivity-ok`, but over a
 * stateless line of protocol v2 it has closed its standard output by then (seen on git 2.39.5 and 2.55), so
 * the verdict is read from git's own trace (api-trace2, "child_start", "child_exit").
 *
 * @param path the file that GIT_TRACE2_EVENT named; one that is missing or says nothing is no verdict
 */
export async function isSelfContained(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const events = text.split('\n').filter(Boolean).map(parseEvent);
  const starts = events.filter((e) => e.event === 'child_start' && e.argv?.includes(CHECK));
  return starts.some((start) =>
    events.some(
      (e) => e.event === 'child_exit' && e.sid === start.sid && e.child_id === start.child_id && e.code === 0,
    ),
  );
}
