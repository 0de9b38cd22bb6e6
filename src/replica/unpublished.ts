import { askKeptHook, type KeptHook } from '../git/kept-proc-receive.ts';
import type { ProcReceiveInput } from '../protocol/proc-receive.ts';
import type { RefReport } from '../protocol/proc-receive-report.ts';
import type { Replica } from './replica.ts';

/** How commands are done that are none of the group's. */
export interface UnpublishedOptions {
  /** The hook that stood here before gam's; null where none did. */
  kept: KeptHook | null;
  /** Settles when the group's part of the push is over. */
  own: Promise<unknown>;
  /** Given what the hook prints, as it is; resolves when more may come. */
  pass: (bytes: Buffer) => Promise<void>;
  signal: AbortSignal;
}

/** What became of these commands. */
export interface Unpublished {
  reports: RefReport[];
  /** Whether the hook did what a hook does. */
  isWell: boolean;
}

/** Why an atomic push of refs of both kinds is refused: the hook moves its refs by itself, and nobody could take that back. */
export const MIXED_ATOMIC =
  'gam: the group keeps some of these refs and not the others, and cannot move both at one moment; push them one after the other, or without --atomic';

/**
 * Has commands of refs that the group does not publish done by the hook that stood here before gam's (githooks(5), "proc-receive"), while the
 * group's part of the push goes on; without one, by receive-pack itself.
 */
export async function receiveUnpublished(
  { format, bounds: { hookMs } }: Pick<Replica, 'format' | 'bounds'>,
  input: ProcReceiveInput,
  { kept, own, pass, signal }: UnpublishedOptions,
): Promise<Unpublished> {
  const { updates } = input;
  if (updates.length === 0) return { reports: [], isWell: true };
  if (kept === null)
    return { reports: updates.map(({ ref }) => ({ ref, refused: null, fallThrough: true })), isWell: true };
  const limit = new AbortController();
  const stop = () => limit.abort('was ended, as the push was');
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const startClock = () => {
    const late = `did not answer within ${hookMs / 1000} s (replica.hookTimeout)`;
    if (!isOver) timer = setTimeout(() => limit.abort(late), hookMs);
  };
  own.then(startClock, stop);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    const oidLength = format === 'sha1' ? 40 : 64;
    const { reports, wrong } = await askKeptHook(kept, input, { oidLength, pass, signal: limit.signal });
    const byRef = new Map(reports.map((report) => [report.ref, report]));
    const isAsked = new Set(updates.map(({ ref }) => ref));
    const refused = `gam: the server's own proc-receive hook ${wrong ?? 'did not tell of it'}; push again, and tell whoever keeps the server if that stays so`;
    return {
      reports: updates.map(({ ref }) => byRef.get(ref) ?? { ref, refused }),
      isWell: wrong === null && reports.every(({ ref }) => isAsked.has(ref)),
    };
  } finally {
    isOver = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}
