import type { LeftOut } from './pick.ts';

/** How a watched folder stands: in step, at work, with something to wait for, or in need of somebody. */
export type FolderState = 'starting' | 'in-step' | 'working' | 'offline' | 'waiting' | 'problem' | 'gone';

/** What is told of a watched folder. Times are RFC 3339, UTC. */
export interface FolderStatus {
  dir: string;
  state: FolderState;
  /** Why, where it is not in step; one line. */
  why: string | null;
  remote: string | null;
  branch: string | null;
  /** Where the branch stands. */
  head: string | null;
  lastCommit: string | null;
  lastSync: string | null;
  /** Whether there are commits that the remote has not. */
  ahead: boolean;
  /** Files that are being written, and so are not committed yet. */
  growing: number;
  leftOut: LeftOut[];
  /** Files of which both versions were kept, the latest ones. */
  kept: { path: string; aside: string | null; time: string }[];
}

/** So many conflicts are remembered. */
const KEPT = 20;
/** So many files that are left out are named. */
const LEFT_OUT = 20;

export function newStatus(dir: string): FolderStatus {
  return {
    dir,
    state: 'starting',
    why: null,
    remote: null,
    branch: null,
    head: null,
    lastCommit: null,
    lastSync: null,
    ahead: false,
    growing: 0,
    leftOut: [],
    kept: [],
  };
}

/** The latest of these, the newest first. */
export function latest(kept: FolderStatus['kept'], more: FolderStatus['kept']): FolderStatus['kept'] {
  return [...more, ...kept].slice(0, KEPT);
}

/** The first of these. */
export function firstOf(leftOut: readonly LeftOut[]): LeftOut[] {
  return leftOut.slice(0, LEFT_OUT);
}
