import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { GamCommand } from '../src/main/command.ts';
import { interruptible } from '../src/main/interruptible.ts';
import { withOwnPrograms } from '../src/main/own-programs.ts';
import { keptJson, keptLine } from '../src/merge/wording.ts';
import { printable, printableProgress } from '../src/protocol/text.ts';
import { type Synced, sync } from '../src/sync/sync.ts';
import { syncedLine } from '../src/sync/wording.ts';

/** A remote that is silent for so long is not there, where nobody could be asked for a password anyway. */
const PATIENCE_MS = 60_000;

export default class Sync extends GamCommand {
  static override summary = 'Bring a branch here and at its remote to the same commit, once.';
  static override description = [
    'Fetches (through mirrors, where there are any), goes forward or merges, and pushes. Where both sides have something new, gam merges ' +
      'so that whoever merges the same commits gets the same merge, and machines that do so at the same time have nothing left to merge. ' +
      'Nothing is forced or rewritten; where the remote moves meanwhile, all is done again. Nothing is committed: gam watch does that.',
    'Where files differ from the commit, or a rebase, merge or another command is in progress, and the branch would have to move, nothing changes, and the ' +
      'line says why. --on-conflict says what becomes of files that cannot be merged: stop changes nothing and names them; keep-both ' +
      'lays the other version beside, as <name>.conflict-<commit>; ours takes the version here, theirs that of the remote.',
    'Fit for cron: where stdin is no terminal, nobody is asked for a password, and a remote that is silent for a minute is given up. Of two of these in one repository ' +
      'the second one waits, for ten minutes at most; with --once it leaves it to the next time, which is no failure.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> sync',
    '<%= config.bin %> sync ~/notes --on-conflict keep-both',
    '*/5 * * * * <%= config.bin %> sync ~/notes --once -q',
  ];
  static override args = { dir: Args.string({ description: 'A repository. Without it: the one here.' }) };
  static override flags = {
    once: Flags.boolean({
      summary: 'One attempt: do not wait for another gam sync, or for a remote that moves.',
    }),
    remote: Flags.string({
      summary: 'With which remote.',
      description: 'Without it: that of the branch, origin, or the only one.',
      helpValue: '<name>',
    }),
    branch: Flags.string({
      summary: 'Which branch.',
      description: 'Without it: the one that is checked out.',
      helpValue: '<name>',
    }),
    'on-conflict': Flags.option({
      options: ['stop', 'keep-both', 'ours', 'theirs'] as const,
      summary: 'What to do about files that cannot be merged.',
      default: 'stop',
    })(),
    'allow-unrelated-histories': Flags.boolean({ summary: 'Merge histories that have nothing in common.' }),
    'dry-run': Flags.boolean({
      summary: 'Tell what would be done. Objects are fetched, and nothing else changes.',
    }),
    json: Flags.boolean({ summary: 'Print {kind, remote, branch, before, after, kept} as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Sync);
    const env = withOwnPrograms(this.env, process.argv[1] ?? '', process.execPath);
    // What git draws while it fetches and pushes, and what gam says of mirrors.
    const draws = process.stderr.isTTY && !flags.quiet && !flags.json;
    const echo = draws ? { echo: (text: string) => void process.stderr.write(printableProgress(text)) } : {};
    await interruptible(async (signal) => {
      const synced = await sync({
        run: { cwd: resolve(this.where.cwd, args.dir ?? '.'), env, signal, ...echo },
        remote: flags.remote,
        branch: flags.branch,
        onConflict: flags['on-conflict'],
        allowUnrelated: flags['allow-unrelated-histories'],
        allowDirty: false,
        isRehearsal: flags['dry-run'],
        once: flags.once,
        patienceMs: process.stdin.isTTY ? null : PATIENCE_MS,
        pid: process.pid,
      });
      this.tell(synced, flags);
    });
  }

  private tell(synced: Synced, flags: { quiet: boolean; json: boolean; 'dry-run': boolean }): void {
    if (flags.json) {
      const { kind, remote, branch, before, after, kept } = synced ?? { kind: 'busy', kept: [] };
      this.sayJson({
        kind,
        remote: remote ?? null,
        branch: branch ?? null,
        before: before ?? null,
        after: after ?? null,
        kept: kept.map(keptJson),
      });
      return;
    }
    if (flags.quiet) return;
    if (synced === null) {
      this.remark('another gam sync is at work here; left to it');
      return;
    }
    for (const one of synced.kept) this.remark(keptLine(one));
    this.say(printable(syncedLine(synced, flags['dry-run'])));
  }
}
