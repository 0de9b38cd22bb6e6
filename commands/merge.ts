import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { forwardRef, needCommit } from '../src/git/commits.ts';
import { needRepository } from '../src/git/discover.ts';
import { GamCommand } from '../src/main/command.ts';
import { interruptible } from '../src/main/interruptible.ts';
import { type ConflictPolicy, mergeHeads } from '../src/merge/heads.ts';
import { conflictError, keptJson, keptLine } from '../src/merge/wording.ts';
import { printablePath } from '../src/protocol/text.ts';

export default class Merge extends GamCommand {
  static override summary = 'Merge two commits into one that is the same wherever they are merged.';
  static override description = [
    'Prints the id of the merge. It depends on the two commits alone: not on who merges them, when, in which order, with which ' +
      'configuration, or on which system. So two who merge at the same time have nothing left to merge. Where one of the ' +
      'commits leads to the other, that one is printed, and nothing is made. No work tree, no index and no branch changes, unless ' +
      '--write-ref names a ref, which only moves forward.',
    'Attributes (merge drivers) do not count. --on-conflict says what becomes of files that cannot be merged: stop makes nothing and names them; keep-both ' +
      'keeps the version with the greater object id, and lays the other one beside it as <name>.conflict-<commit>; ours and theirs take that of ' +
      '<a> or <b>. Needs git 2.38.',
  ].join('\n\n');
  static override usage = 'merge <a> <b> [--write-ref <ref>] [--on-conflict stop|keep-both|ours|theirs]';
  static override examples = [
    '<%= config.bin %> merge main origin/main',
    '<%= config.bin %> merge main topic --on-conflict keep-both --write-ref refs/heads/merged',
  ];
  static override args = {
    a: Args.string({ required: true, description: 'A commit, by any name that git knows.' }),
    b: Args.string({ required: true, description: 'Another one.' }),
  };
  static override flags = {
    'write-ref': Flags.string({ summary: 'Move this ref to the merge.', helpValue: '<ref>' }),
    'on-conflict': Flags.option({
      options: ['stop', 'keep-both', 'ours', 'theirs'] as const,
      summary: 'What to do about files that cannot be merged.',
      default: 'stop',
    })(),
    'allow-unrelated-histories': Flags.boolean({ summary: 'Merge histories that have nothing in common.' }),
    json: Flags.boolean({ summary: 'Print {oid, merged, kept, conflicts} as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Merge);
    await needRepository(this.where);
    await interruptible(async (signal) => {
      const run = { ...this.where, env: this.env, signal };
      const [a, b] = [await needCommit(args.a, run), await needCommit(args.b, run)];
      const named: Record<string, ConflictPolicy> = { ours: { prefer: a }, theirs: { prefer: b } };
      const onConflict = named[flags['on-conflict']] ?? (flags['on-conflict'] as ConflictPolicy);
      const allowUnrelated = flags['allow-unrelated-histories'];
      const merged = await mergeHeads([a, b], { run, onConflict, allowUnrelated });
      if (merged.kind === 'conflict') {
        if (flags.json)
          this.sayJson({ oid: null, merged: false, kept: [], conflicts: merged.paths.map(printablePath) });
        throw conflictError(merged.paths, '--on-conflict keep-both keeps both versions of each');
      }
      const ref = flags['write-ref'];
      if (ref !== undefined) await forwardRef(ref, merged.oid, run);
      const kept = merged.kind === 'merged' ? merged.kept : [];
      if (flags.json)
        this.sayJson({
          oid: merged.oid,
          merged: merged.kind === 'merged',
          kept: kept.map(keptJson),
          conflicts: [],
        });
      else this.say(merged.oid);
      if (!flags.quiet) for (const one of kept) this.remark(keptLine(one));
    });
  }
}
