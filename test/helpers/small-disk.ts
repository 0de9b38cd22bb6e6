import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** A small file system of its own, in memory, so that a disk is really full (tmpfs(5)). */
export interface SmallDisk {
  readonly dir: string;
  /** Bytes that still fit. */
  room(): number;
  /** Leaves room for so many bytes; with 0 nothing fits any more. */
  leave(bytes: number): void;
  /** Takes away what fills it. */
  free(): void;
  /** Unmounts it, also where somebody still has a file there. */
  close(): Promise<void>;
}

// The shell takes the mount down when its standard input ends, so that it goes with the runner, by whatever death; a signal to everybody of
// a terminal does not end the shell first.
const HOLD =
  'trap "" HUP INT TERM; mount -t tmpfs -o "size=$1" gam-test "$0" || exit; echo mounted; cat; umount -l "$0"';
const MIB = 2 ** 20;

/**
 * Mounts a disk; close() it before its sandbox.
 * @param dir is made
 * @param size as tmpfs(5) has it, `48m`
 * @returns null where one may not mount: that takes Linux, and root
 */
export async function mountSmallDisk(dir: string, size: string): Promise<SmallDisk | null> {
  if (process.platform !== 'linux' || userInfo().uid !== 0) return null;
  mkdirSync(dir, { recursive: true });
  const stdio = ['pipe', 'pipe', 'ignore'] as const;
  const holder = spawn('sh', ['-c', HOLD, dir, size], { cwd: '/', stdio: [...stdio], detached: true });
  const ended = once(holder, 'close');
  const isMounted = await Promise.race([
    once(holder.stdout, 'data').then(() => true),
    ended.then(() => false),
  ]);
  if (!isMounted) return null;
  holder.stdout.resume();

  const filler = join(dir, 'filler');
  const room = () => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  };
  const free = () => rmSync(filler, { force: true });
  const leave = (bytes: number) => {
    free();
    const taken = room() - bytes;
    try {
      for (let at = 0; at < taken; at += MIB)
        writeFileSync(filler, Buffer.alloc(Math.min(MIB, taken - at)), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  };
  const close = async () => {
    holder.stdin.end();
    await ended;
  };
  return { dir, room, leave, free, close };
}
