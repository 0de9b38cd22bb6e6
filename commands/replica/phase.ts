import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { GamError } from '../../src/errors.ts';
import { startWorker } from '../../src/main/member-process.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { memberOf } from '../../src/replica/group.ts';
import { phaseConditions } from '../../src/replica/phase-conditions.ts';
import { neighbour, planOf, type Standing, standingOf, takeStep } from '../../src/replica/phases.ts';
import type { Replica } from '../../src/replica/replica.ts';
import { isRetiring, renameAway, retire } from '../../src/replica/retire.ts';

type Way = 'next' | 'back';

export default class Phase extends ReplicaCommand {
  static override summary = 'Move a repository to another server, in phases, while it is worked with.';
  static override description = [
    'The phases: the old server alone; the new one follows; both are primaries, and the old one warns who pushes to it; the old one follows, ' +
      'and refuses pushes with the URL of the new one; the new one alone, and the repository on the old one is renamed to <name>.retired.',
    'show tells which phase it is, what comes next, and what is missing for that. next takes a step when the coordinator answers, hooks are in ' +
      'place, nothing is queued, and both members have all that the group has; back undoes one. The last step is taken on the old server, ' +
      'and is the only one that cannot be undone by back. The arbiter moves along.',
    'Which is the old one is told by the roles while there are two members; with more, name them once by --from and --to. Clients of gam are ' +
      'told where to go by the mirror list of the old one (mirrorList.state and mirrorList.successor), as long as it is there.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica phase --repo /srv/git/project.git',
    '<%= config.bin %> replica phase next --repo /srv/git/project.git',
    '<%= config.bin %> replica phase next --from eu --to us',
  ];
  static override args = {
    way: Args.string({
      description: 'What to do.',
      options: ['next', 'back', 'show'],
      default: 'show',
    }),
  };
  static override flags = {
    from: Flags.string({ summary: 'The member that goes.', helpValue: '<id>' }),
    to: Flags.string({ summary: 'The member that stays.', helpValue: '<id>' }),
    json: Flags.boolean({ summary: 'Print it as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Phase);
    const { gitDir, run } = await this.findMember(flags.repo);
    if (args.way === 'next' && (await isRetiring(gitDir, run)) && (await this.isNoMember(gitDir))) {
      const place = await renameAway(gitDir, run);
      if (!flags.quiet) this.say(`the repository is ${place} now`);
      return;
    }
    const replica = await this.needReplica(flags.repo);
    const given = {
      ...(flags.from === undefined ? {} : { from: flags.from }),
      ...(flags.to === undefined ? {} : { to: flags.to }),
    };
    const standing = standingOf(replica.group, given);
    if (args.way === 'show') return this.show(replica, standing, flags.json);
    const tell = (line: string) => {
      if (!flags.quiet && !flags.json) this.remark(line);
    };
    const place = await this.go(replica, standing, args.way as Way, tell);
    if (place !== null) {
      if (flags.json) this.sayJson({ group: replica.group.name, step: 'new-only', phase: 5, retired: place });
      else if (!flags.quiet) this.say(`done; the repository is ${place} now`);
      return;
    }
    startWorker(replica, this.program());
    const after = await this.needReplica(flags.repo);
    const stands = standingOf(after.group, {});
    if (flags.json) return this.show(after, stands, true);
    if (!flags.quiet) this.say(`done; phase ${stands.step.phase} of 5: ${stands.step.says}`);
  }

  private members({ group }: Replica, { from, to }: Standing) {
    return group.members.filter(({ id }) => id === from || id === to);
  }

  private async show(replica: Replica, standing: Standing, json: boolean): Promise<void> {
    const { step, from, to } = standing;
    const plan = planOf(standing, 'next', replica);
    const conditions = await phaseConditions(replica, this.members(replica, standing), this.program());
    if (json)
      return this.sayJson({
        group: replica.group.name,
        step: step.name,
        phase: step.phase,
        from,
        to,
        next: neighbour(standing, 'next')?.name ?? null,
        plan,
        conditions,
      });
    this.say(
      `${replica.group.name}, phase ${step.phase} of 5: ${step.says}`,
      ...(from === null ? [] : [`old: ${from}`]),
      ...(to === null ? [] : [`new: ${to}`]),
      `next: ${'says' in plan ? plan.says : plan.elsewhere}`,
      ...conditions.flatMap(({ reason }) => (reason === null ? [] : [`not yet: ${reason}`])),
    );
  }

  /** Returns where the repository is, if it was renamed. */
  private async go(
    replica: Replica,
    standing: Standing,
    way: Way,
    tell: (line: string) => void,
  ): Promise<string | null> {
    const { from, to } = standing;
    const plan = planOf(standing, way, replica);
    const target = neighbour(standing, way);
    if ('elsewhere' in plan || target === null || from === null || to === null)
      throw new GamError('usage', `this step is not taken here, at phase ${standing.step.phase} of 5`, {
        suggestion: 'elsewhere' in plan ? plan.elsewhere : 'name both members: --from <id> --to <id>',
      });
    const conditions = await phaseConditions(replica, this.members(replica, standing), this.program());
    const missing = conditions.find(({ holds }) => !holds);
    if (missing !== undefined)
      throw new GamError('phase-unready', `nothing has changed: ${missing.name}: ${missing.reason ?? ''}`, {
        suggestion: 'gam replica status tells more; take the step when that is mended',
      });
    tell(plan.says);
    if (target.name === 'new-only') return retire(replica, memberOf(replica.group, to), process.pid, tell);
    await takeStep(replica, { ...standing, from, to }, target, tell);
    return null;
  }
}
