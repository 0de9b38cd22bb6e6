import { readFileSync } from 'node:fs';
import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import type { Environment } from '../git/environment.ts';
import type { RunOptions } from '../git/run.ts';
import { printable } from '../protocol/text.ts';
import type { Coordinator } from './coordinator.ts';
import { type Group, type Member, memberOf, readGroup } from './group.ts';
import { type MemberLine, OwnLine, PushLine } from './member-line.ts';
import { type Places, placesOf } from './places.ts';
import { RefsArbiter } from './refs-arbiter.ts';
import { RefsCoordinator } from './refs-coordinator.ts';
import { type Bounds, readBounds } from './settings.ts';
import { wakeHere } from './wake.ts';

/** A member of a group, seen from inside. */
export interface Replica {
  /** The git directory, absolute. */
  gitDir: string;
  places: Places;
  group: Group;
  self: Member;
  secret: string;
  config: readonly ConfigEntry[];
  format: 'sha1' | 'sha256';
  bounds: Bounds;
  /** For git commands in this repository. */
  run: RunOptions;
  /** A line to a member, this one included. */
  line(member: Member): MemberLine;
  /** Resolves when nothing is under way to other members; what still is ends with the signal of `run`. */
  idle(): Promise<void>;
  /** Where locks and state live. To be closed by whoever opens it. */
  openCoordinator(): Promise<Coordinator>;
}

/** What a member needs beside its repository. */
export interface ReplicaOptions {
  env: Environment;
  signal?: AbortSignal;
  warn: (line: string) => void;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new GamError('bad-config', `the group's secret cannot be read: ${file}`, {
      suggestion: 'let the user who serves this repository own it, or copy it from another member',
      cause,
    });
  }
}

/**
 * Opens the member that a repository is.
 *
 * @param gitDir absolute
 * @returns null where it is none
 * @throws GamError `bad-config`
 */
export async function openReplica(gitDir: string, options: ReplicaOptions): Promise<Replica | null> {
  const { env, signal, warn } = options;
  const run: RunOptions = { cwd: gitDir, env: { ...env, GIT_DIR: gitDir }, ...(signal ? { signal } : {}) };
  const config = await readConfig(run);
  const group = readGroup(config);
  const id = lastValue(config, 'replica', null, 'self');
  if (group === null || id === undefined) return null;
  return makeReplica(gitDir, { group, id, config, run, secret: readSecret(placesOf(gitDir).secret), warn });
}

/** What is known of a member before its configuration says it, as while it joins. */
export interface ReplicaParts {
  group: Group;
  /** This member. */
  id: string;
  secret: string;
  config: readonly ConfigEntry[];
  run: RunOptions;
  warn: (line: string) => void;
}

/** @see openReplica */
export function makeReplica(gitDir: string, parts: ReplicaParts): Replica {
  const { group, id, config, run, secret, warn } = parts;
  const self = memberOf(group, id);
  const bounds = readBounds(config, warn);
  const format = lastValue(config, 'extensions', null, 'objectformat') === 'sha256' ? 'sha256' : 'sha1';
  const lines = new Map<string, MemberLine>();
  const makeLine = (member: Member): MemberLine =>
    member.id === id
      ? new OwnLine(run, () => wakeHere(gitDir))
      : new PushLine(member.url, { ...run, from: id, secret, patienceMs: bounds.memberMs });
  const line = (member: Member) => {
    const known = lines.get(member.id) ?? makeLine(member);
    lines.set(member.id, known);
    return known;
  };
  const idle = async () => void (await Promise.all([...lines.values()].map((one) => one.idle())));
  const places = placesOf(gitDir);
  return {
    ...{ gitDir, places, group, self, secret, config, format, bounds, run, line, idle },
    openCoordinator: async () => {
      if (group.coordinator === 'git')
        return new RefsCoordinator(new RefsArbiter(line(memberOf(group, group.arbiter)), format), {
          leaseMs: bounds.leaseMs,
        });
      throw new GamError('bad-config', `replica.coordinator is unknown: ${printable(group.coordinator, 60)}`);
    },
  };
}
