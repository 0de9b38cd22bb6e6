import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { GamError } from '../errors.ts';
import { gitOutput, type RunOptions, runGit } from '../git/run.ts';
import { printable } from '../protocol/text.ts';
import type { HookProgram } from '../replica/hook-scripts.ts';
import { openReplica, type Replica } from '../replica/replica.ts';
import { GamCommand } from './command.ts';
import { memberProgram } from './member-program.ts';

/** Joining and leaving may have been broken off; both begin anew then. */
function unlessBrokenOff(error: unknown): null {
  if (error instanceof GamError && error.code === 'not-a-member') return null;
  throw error;
}

/** What the commands of replicas share: which repository is meant. */
export abstract class ReplicaCommand extends GamCommand {
  static override baseFlags = {
    ...GamCommand.baseFlags,
    repo: Flags.string({
      summary: 'The repository, which must be bare.',
      description: 'Without it: the one here.',
      helpValue: '<dir>',
    }),
  };

  /** What the hooks of a member start; beside whatever runs now. */
  protected program(): HookProgram {
    return memberProgram();
  }

  /**
   * The repository that is meant.
   * @throws GamError `not-a-repository`
   */
  protected async findMember(repo: string | undefined): Promise<{ gitDir: string; run: RunOptions }> {
    const cwd = resolve(this.where.cwd, repo ?? '.');
    const env = { ...this.env, GIT_DIR: undefined };
    const asked = ['rev-parse', '--absolute-git-dir', '--is-bare-repository'];
    const { status, stdout, stderr } = await runGit(asked, { cwd, env }).catch((cause: unknown) => {
      throw new GamError('not-a-repository', `${printable(cwd)} is no folder`, { cause });
    });
    const [gitDir = '', isBare] = stdout.split('\n');
    if (status !== 0)
      throw new GamError(
        'not-a-repository',
        `${printable(cwd)}: ${printable(stderr.split('\n')[0] ?? '').replace(/^fatal: /, '')}`,
        {
          suggestion: 'name a bare repository with --repo; git init --bare makes one',
        },
      );
    if (isBare !== 'true')
      throw new GamError(
        'not-a-repository',
        `${printable(cwd)} has a work tree; members are bare repositories`,
        {
          suggestion: 'git clone --bare makes one of it',
        },
      );
    await this.checkGit({ cwd: gitDir, env });
    return { gitDir, run: { cwd: gitDir, env: { ...this.env, GIT_DIR: gitDir } } };
  }

  /**
   * The member that is meant.
   * @throws GamError `not-a-member`
   */
  protected async needReplica(repo: string | undefined): Promise<Replica> {
    const { gitDir } = await this.findMember(repo);
    const replica = await openReplica(gitDir, { env: this.env, warn: (line) => this.remark(line) });
    if (replica !== null) return replica;
    throw new GamError('not-a-member', `${printable(gitDir)} is in no group`, {
      suggestion: 'found one with gam replica init, or join one with gam replica join',
    });
  }

  /** Whether the repository is no member, or only half of one. */
  protected async isNoMember(gitDir: string): Promise<boolean> {
    const opened = openReplica(gitDir, { env: this.env, warn: () => undefined });
    return (await opened.catch(unlessBrokenOff)) === null;
  }

  /** @throws GamError `usage` where the repository is a member of a group already */
  protected async needNoMember(gitDir: string): Promise<void> {
    const replica = await openReplica(gitDir, { env: this.env, warn: () => undefined }).catch(
      unlessBrokenOff,
    );
    if (replica === null) return;
    throw new GamError(
      'usage',
      `${printable(gitDir)} is ${replica.self.id} in the group ${replica.group.name} already`,
      {
        suggestion: 'gam replica status tells of it, gam replica leave takes it out',
      },
    );
  }

  private async checkGit(run: RunOptions): Promise<void> {
    const version = (await gitOutput(['--version'], run)).trim().replace(/^git version /, '');
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major > 2 || (major === 2 && minor >= 29)) return;
    throw new GamError(
      'git-missing',
      `members need git 2.29 for its proc-receive hook; here is ${printable(version)}`,
      {
        suggestion: 'install a newer git on this server',
      },
    );
  }
}
