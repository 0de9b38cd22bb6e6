import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigEntry } from '../config/entries.ts';
import { readRemotes } from '../config/remotes.ts';
import { formatBytes } from '../mirror/account.ts';
import { includedBases } from '../mirror/enabling.ts';
import { configFindings, type Finding } from '../mirror/findings.ts';
import { printable } from '../protocol/text.ts';
import { readConfig } from './config.ts';
import { discoverRepository } from './discover.ts';
import type { Environment } from './environment.ts';
import { listKept, staleOf } from './kept-clones.ts';
import { listLeftovers } from './quarantine.ts';
import { type RunOptions, runGit } from './run.ts';
import { inspectStaged } from './staged.ts';
import { gitVersion, HASCONFIG_GIT, isAtLeast, OLDEST_GIT } from './version.ts';

/** How long the helper may take to tell its version. */
const PATIENCE_MS = 10_000;

/** What `gam doctor` has seen. */
export interface Diagnosis {
  git: string;
  /** The version of the helper that git finds; null when it finds none that answers. */
  helper: string | null;
  findings: Finding[];
}

/** The version of the `git-remote-mirror` that git itself would start, in its exec path or on PATH; or null. */
export async function helperVersion(options: RunOptions): Promise<string | null> {
  // Without the setting git might run a command of a similar name.
  const args = ['-c', 'help.autocorrect=0', 'remote-mirror', '--version'];
  const { status, stdout } = await runGit(args, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
  return status === 0 ? (/^gam (\S+)$/m.exec(stdout)?.[1] ?? null) : null;
}

function versionFindings(git: string, helper: string | null, own: string): Finding[] {
  const found: Finding[] = [];
  if (!isAtLeast(git, OLDEST_GIT))
    found.push({
      check: 'git-version',
      severity: 'error',
      message: `git ${git} is too old`,
      remedy: `install git ${OLDEST_GIT} or newer`,
    });
  else if (!isAtLeast(git, HASCONFIG_GIT))
    found.push({
      check: 'git-version',
      severity: 'warning',
      message: `git ${git} has no hasconfig includes, so gam enable rewrites URLs, which shows in git remote -v`,
      remedy: `install git ${HASCONFIG_GIT} or newer`,
    });
  if (helper === null)
    found.push({
      check: 'helper',
      severity: 'error',
      message: 'git finds no git-remote-mirror that answers, so mirror:: URLs fail',
      remedy: "put the folder that holds gam's git-remote-mirror on PATH",
    });
  else if (helper !== own)
    found.push({
      check: 'helper',
      severity: 'error',
      message: `git finds git-remote-mirror of gam ${printable(helper)}, and this is gam ${own}`,
      remedy: 'take the other installation off PATH, or put this one before it',
    });
  return found;
}

function environmentFindings(env: Environment): Finding[] {
  const allowed = env['GIT_ALLOW_PROTOCOL'];
  if (allowed === undefined || allowed.split(':').includes('mirror')) return [];
  return [
    {
      check: 'environment',
      severity: 'error',
      message: 'GIT_ALLOW_PROTOCOL does not name mirror, so git refuses every mirror:: URL',
      remedy: 'add :mirror to GIT_ALLOW_PROTOCOL, or unset it',
    },
  ];
}

function includeFindings(entries: readonly ConfigEntry[], git: string): Finding[] {
  return includedBases(entries).flatMap(({ pattern, file }): Finding[] => {
    const [base] = pattern.split('*');
    const remedy = `gam disable ${base} && gam enable ${base}`;
    const finding = { check: 'enabled-base', severity: 'error' as const, remedy };
    if (!existsSync(file)) return [{ ...finding, message: `${base} is enabled, but ${file} is missing` }];
    if (isAtLeast(git, HASCONFIG_GIT)) return [];
    return [{ ...finding, message: `${base} is enabled in a form that git ${git} ignores` }];
  });
}

async function leftoverFindings(objectsDir: string, options: RunOptions): Promise<Finding[]> {
  const found: Finding[] = [];
  const leftovers = await listLeftovers(objectsDir);
  if (leftovers.length > 0)
    found.push({
      check: 'leftovers',
      severity: 'warning',
      message: `${leftovers.length} folder(s) of killed helpers in ${objectsDir}`,
      remedy: 'gam sweep',
    });
  const { left } = await inspectStaged(options);
  if (left.length > 0)
    found.push({
      check: 'unverified',
      severity: 'warning',
      message: `${left.length} ref(s) from mirrors that canonical has not confirmed`,
      remedy: 'gam status tells which, and what to do',
    });
  return found;
}

async function keptFindings(env: Environment): Promise<Finding[]> {
  const stale = staleOf(await listKept(env));
  if (stale.length === 0) return [];
  const bytes = formatBytes(stale.reduce((sum, one) => sum + one.bytes, 0));
  return [
    {
      check: 'kept-clones',
      severity: 'warning',
      message: `${stale.length} clone(s) that broke off more than a week ago are kept (${bytes})`,
      remedy: 'gam sweep --clones',
    },
  ];
}

/**
 * Looks at git, the helper, the configuration, what is kept of clones and, inside a repository, at what gam may have left there.
 * @param own the version of this gam
 */
export async function diagnose(own: string, env: Environment, options: RunOptions): Promise<Diagnosis> {
  const [git, helper, repository, entries] = await Promise.all([
    gitVersion(options),
    helperVersion(options),
    discoverRepository(options),
    readConfig(options),
  ]);
  const remotes = repository === null ? [] : readRemotes(entries);
  const top = repository === null ? '' : (await runGit(['rev-parse', '--show-toplevel'], options)).stdout;
  const hasSubmodules = top !== '' && existsSync(join(top.trimEnd(), '.gitmodules'));
  const findings = [
    ...versionFindings(git, helper, own),
    ...environmentFindings(env),
    ...includeFindings(entries, git),
    ...configFindings({ entries, remotes, hasSubmodules }),
    ...(repository === null ? [] : await leftoverFindings(repository.objectsDir, options)),
    ...(await keptFindings(env)),
  ];
  return { git, helper, findings };
}
