import { basename } from 'node:path';
import { lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { type Environment, withoutRepository } from '../git/environment.ts';
import { startProcess } from '../git/process.ts';
import type { SshUrl } from '../protocol/git-url.ts';
import type { Connection, Opening } from './connection.ts';
import { processConnection } from './process-connection.ts';
import { firstWord, shellQuote, throughShell } from './shell.ts';

/** The families of ssh programs, by the options they take (git-config(1), "ssh.variant"). */
type Variant = 'ssh' | 'simple' | 'plink' | 'putty' | 'tortoiseplink';

const VARIANTS: Readonly<Record<string, Variant>> = {
  ssh: 'ssh',
  'ssh.exe': 'ssh',
  plink: 'plink',
  'plink.exe': 'plink',
  tortoiseplink: 'tortoiseplink',
  'tortoiseplink.exe': 'tortoiseplink',
};

/** The program for ssh. */
interface SshProgram {
  command: string;
  /** True for shell text (GIT_SSH_COMMAND, core.sshCommand), false for a program's name (GIT_SSH). */
  shell: boolean;
  /** The variable that names it; `ssh` where none does. */
  from: string;
}

/** Which program git would start for ssh. */
export function sshProgram({ env, entries }: Pick<Opening, 'env' | 'entries'>): SshProgram {
  const { GIT_SSH_COMMAND: own, GIT_SSH: program } = env;
  if (own !== undefined) return { command: own, shell: true, from: 'GIT_SSH_COMMAND' };
  const configured = lastValue(entries, 'core', null, 'sshcommand');
  if (configured !== undefined) return { command: configured, shell: true, from: 'core.sshCommand' };
  return { command: program ?? 'ssh', shell: false, from: program === undefined ? 'ssh' : 'GIT_SSH' };
}

function words({ command, shell }: SshProgram, args: readonly string[]): [string, ...string[]] {
  return shell ? throughShell(command, args) : [command, ...args];
}

function configuredVariant({ env, entries }: Opening): Variant | undefined {
  const name = env['GIT_SSH_VARIANT'] ?? lastValue(entries, 'ssh', null, 'variant');
  if (name === undefined || name === 'auto') return undefined;
  return (['plink', 'putty', 'tortoiseplink', 'simple'] as const).find((known) => known === name) ?? 'ssh';
}

/** The options before the destination, as connect.c's push_ssh_options() builds them. */
function sshOptions(variant: Variant, port: string | null, opening: Opening): string[] {
  const args: string[] = [];
  if (variant === 'ssh' && opening.version > 0) args.push('-o', 'SendEnv=GIT_PROTOCOL');
  const family = { ipv4: '-4', ipv6: '-6' }[opening.family ?? ''];
  if (variant === 'simple' && family !== undefined) {
    throw new GamError('canonical-failed', `ssh variant 'simple' does not support ${family}`);
  }
  if (family !== undefined) args.push(family);
  if (variant === 'tortoiseplink') args.push('-batch');
  if (port !== null) {
    if (variant === 'simple') {
      throw new GamError('canonical-failed', `ssh variant 'simple' does not support setting port`);
    }
    args.push(variant === 'ssh' ? '-p' : '-P', port);
  }
  return args;
}

// An unknown program is asked for `-G`: OpenSSH knows it, anything else gets no options at all.
async function detectVariant(
  program: SshProgram,
  url: SshUrl,
  opening: Opening,
  env: Environment,
): Promise<Variant> {
  const configured = configuredVariant(opening);
  if (configured !== undefined) return configured;
  const name = program.shell ? firstWord(program.command) : program.command;
  const known = name === undefined ? undefined : VARIANTS[basename(name).toLowerCase()];
  if (known !== undefined) return known;
  const [command, ...args] = words(program, ['-G', ...sshOptions('ssh', url.port, opening), url.destination]);
  const { signal } = opening;
  const probe = startProcess(command, args, { env, stdio: 'ignore', ...(signal ? { signal } : {}) });
  return (await probe.exit).status === 0 ? 'ssh' : 'simple';
}

/**
 * The process that opens a service over ssh, with the program, variant and options that git would use
 * (git(1), GIT_SSH, GIT_SSH_COMMAND, GIT_SSH_VARIANT; git-config(1), core.sshCommand, ssh.variant).
 *
 * @param extra options for OpenSSH that go before git's own; other programs do not get them
 */
export async function sshService(
  url: SshUrl,
  opening: Opening,
  extra: readonly string[] = [],
): Promise<{ words: [string, ...string[]]; env: Environment }> {
  const env: Record<string, string | undefined> = { ...withoutRepository(opening.env) };
  const program = sshProgram(opening);
  const variant = await detectVariant(program, url, opening, env);
  if (variant === 'ssh' && opening.version > 0) env['GIT_PROTOCOL'] = `version=${opening.version}`;
  const remote = `${opening.service} ${shellQuote(url.path)}`;
  const options = [...(variant === 'ssh' ? extra : []), ...sshOptions(variant, url.port, opening)];
  return { words: words(program, [...options, url.destination, remote]), env };
}

/** Opens a service over ssh; see sshService(). */
export async function openSsh(
  url: SshUrl,
  opening: Opening,
  extra: readonly string[] = [],
): Promise<Connection> {
  const service = await sshService(url, opening, extra);
  const [command, ...args] = service.words;
  return processConnection(command, args, service.env, opening);
}
