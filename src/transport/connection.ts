import type { Readable, Writable } from 'node:stream';
import type { ConfigEntry } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import type { Exit } from '../git/process.ts';
import type { ProtocolVersion } from './protocol-version.ts';

/** A service on the other side of a line, as git would have opened it. */
export interface Connection {
  /** What the service sends. */
  output: Readable;
  /** What the service reads. */
  input: Writable;
  /** True when each answer ends with a response-end packet (gitremote-helpers(7), "stateless-connect"). */
  stateless: boolean;
  /** How the process behind the line ended; a plain socket ends with status 0. */
  exit: Promise<Exit>;
  /** What the process behind the line wrote to standard error, when that was not handed on. */
  stderr: Readable | null;
  close(): void;
  /**
   * Lets the process end by itself, as it will where its input has ended: nothing more is expected of it, and nobody waits.
   * Null where git would wait.
   */
  leave: (() => void) | null;
}

/** What a connection is made from. */
export interface Opening {
  /** `git-upload-pack` and the like, or what `--upload-pack` put in its place: a command for a shell. */
  service: string;
  version: ProtocolVersion;
  /** `ipv4`, `ipv6`, or nothing for either. */
  family: string | undefined;
  entries: readonly ConfigEntry[];
  env: Environment;
  /** Where standard error of the process goes: to the user, or to whoever reads `stderr`. */
  stderr: 'inherit' | 'pipe';
  signal?: AbortSignal;
}
