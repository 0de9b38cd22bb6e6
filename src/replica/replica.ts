import { readFileSync } from 'node:fs';
import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import type { Environment } from '../git/environment.ts';
import { hasKeptHook } from '../git/hook.ts';
import type { RunOptions } from '../git/run.ts';
import type { SwapOptions } from '../git/swap-refs.ts';
import { performHere } from './arbitrate.ts';
import type { Coordinator } from './coordinator.ts';
import { parseEtcdEndpoints } from './etcd-endpoints.ts';
import { gateMemory } from './gate-memory.ts';
import { type Group, type Member, memberOf, readGroup } from './group.ts';
import { type MemberLine, OwnLine, PushLine } from './member-line.ts';
import { type Places, placesOf } from './places.ts';
import { RefsArbiter } from './refs-arbiter.ts';
import { RefsCoordinator } from './refs-coordinator.ts';
import { searchArbiter } from './search-arbiter.ts';
import { type Bounds, readBounds } from './settings.ts';

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
  run: SwapOptions;
  /** A line to a member, this one included. */
  line(member: Member): MemberLine;
  /** Resolves when nothing is under way to other members; what still is ends with the signal of `run`. */
  idle(): Promise<void>;
  /** Where locks and state live. To be closed by whoever opens it. */
  openCoordinator(): Promise<Coordinator>;
}

/** How object ids are made in a repository (git-config(1), extensions.objectFormat). */
export function formatOf(config: readonly ConfigEntry[]): 'sha1' | 'sha256' {
  return lastValue(config, 'extensions', null, 'objectformat') === 'sha256' ? 'sha256' : 'sha1';
}

/** What a member needs beside its repository. */
export interface ReplicaOptions {
  env: Environment;
  signal?: AbortSignal;
  warn: (line: string) => void;
  /** All of the repository's configuration, where whoever started this process has asked git already. */
  config?: readonly ConfigEntry[];
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
 * @throws GamError `bad-config`; `not-a-member` where joining or leaving was broken off
 */
export async function openReplica(gitDir: string, options: ReplicaOptions): Promise<Replica | null> {
  const { env, signal, warn } = options;
  const run: RunOptions = { cwd: gitDir, env: { ...env, GIT_DIR: gitDir }, ...(signal ? { signal } : {}) };
  const config = options.config ?? (await readConfig(run));
  const group = readGroup(config);
  const id = lastValue(config, 'replica', null, 'self');
  if (group === null || id === undefined) return null;
  if (!group.members.some((member) => member.id === id))
    throw new GamError('not-a-member', `${id} is no member of ${group.name} any more, or not yet`, {
      suggestion: 'gam replica leave makes it a plain repository again, and gam replica join a member',
    });
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
  const { group, id, config, secret, warn } = parts;
  const run = { ...parts.run, isUnhooked: !hasKeptHook('reference-transaction', gitDir, config) };
  const self = memberOf(group, id);
  const bounds = readBounds(config, warn);
  const format = formatOf(config);
  const lines = new Map<string, MemberLine>();
  const makeLine = (member: Member): MemberLine =>
    member.id === id
      ? new OwnLine((operation) => performHere({ gitDir, group, self, run }, operation))
      : new PushLine(member.url, { ...run, from: id, secret, format, patienceMs: bounds.memberMs });
  const line = (member: Member) => {
    const known = lines.get(member.id) ?? makeLine(member);
    lines.set(member.id, known);
    return known;
  };
  const idle = async () => void (await Promise.all([...lines.values()].map((one) => one.idle())));
  const places = placesOf(gitDir);
  return {
    gitDir,
    places,
    group,
    self,
    secret,
    config,
    format,
    bounds,
    run,
    line,
    idle,
    openCoordinator: async () => {
      if (group.coordinator === 'git')
        return new RefsCoordinator(
          new RefsArbiter(line(memberOf(group, group.arbiter)), format, {
            line: ({ arbiter, url }) => line({ id: arbiter, url, role: 'primary' }),
            search: () => searchArbiter({ group, self, line, run }),
          }),
          { leaseMs: bounds.leaseMs },
          gateMemory(places),
        );
      // For those who have one only: it brings gRPC along.
      const [{ openEtcdCoordinator }, endpoints] = [
        await import('./etcd-coordinator.ts'),
        parseEtcdEndpoints(group.coordinator),
      ];
      return openEtcdCoordinator({ endpoints, group: `${group.name}-${group.uid}`, leaseMs: bounds.leaseMs });
    },
  };
}
