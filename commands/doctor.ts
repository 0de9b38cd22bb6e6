import * as Flags from '@oclif/core/flags';
import { diagnose } from '../src/git/diagnosis.ts';
import { isAtLeast } from '../src/git/version.ts';
import { GamCommand } from '../src/main/command.ts';
import { FAILED } from '../src/main/failure.ts';
import { VERSION } from '../src/main/version.ts';
import type { Finding } from '../src/mirror/findings.ts';

const OLDEST_NODE = '20.19';

export default class Doctor extends GamCommand {
  static override summary = 'Check git, the helper and the configuration, and say what to do.';
  static override description = [
    'Looks at the versions of git, node and git-remote-mirror, at settings that cannot work or do not ' +
      'mean what one may think, at what is kept of clones that broke off long ago, and, in a repository, at ' +
      'what killed helpers left. Each finding is one line and its remedy.',
    'Exits with 1 when something cannot work, with 0 otherwise; warnings do not count. With --json: ' +
      '{ok, gam, git, node, helper, findings: [{check, severity, message, remedy}]}.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];
  static override flags = {
    json: Flags.boolean({ summary: 'Print one JSON document.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    const gam = VERSION;
    const node = process.versions.node;
    const seen = await diagnose(gam, this.env, this.where);
    const findings = [...nodeFindings(node), ...seen.findings];
    const ok = findings.every((finding) => finding.severity !== 'error');
    if (!ok) process.exitCode = FAILED;
    if (flags.json) return this.sayJson({ ok, gam, git: seen.git, node, helper: seen.helper, findings });
    if (flags.quiet && ok) return;
    for (const { severity, message, remedy } of findings)
      this.say(`${severity}: ${message}`, `  remedy: ${remedy}`);
    const helper = seen.helper === null ? 'no git-remote-mirror' : `git-remote-mirror ${seen.helper}`;
    const seenLine = `gam ${gam}, git ${seen.git}, node ${node}, ${helper}`;
    this.say(findings.length === 0 ? `nothing is wrong: ${seenLine}` : `seen: ${seenLine}`);
  }
}

function nodeFindings(node: string): Finding[] {
  if (isAtLeast(node, OLDEST_NODE)) return [];
  return [
    {
      check: 'node-version',
      severity: 'error',
      message: `node ${node} is too old`,
      remedy: `install node ${OLDEST_NODE} or newer`,
    },
  ];
}
