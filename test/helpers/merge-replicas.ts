import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunOptions } from '../../src/git/run.ts';
import type { MergeStore } from './merge-store.ts';
import { below, oneOf, type Random } from './random.ts';
import type { Sandbox } from './sandbox.ts';

/** One who works on the files, with a configuration and a clock of their own. */
export interface Replica {
  head: string;
  /** All that the head ever was, oldest first. */
  was: string[];
  run: RunOptions;
  /** Seconds by which the clock is wrong. */
  skew: number;
  zone: string;
}

// Each of these changes what git merge, git log or git commit do.
const CONFIGS: readonly string[] = [
  '[user]\n\tname = Zoë\n\temail = zoe@example.com\n[commit]\n\tgpgSign = true\n[i18n]\n\tcommitEncoding = ISO-8859-1\n',
  '[merge]\n\tconflictStyle = diff3\n\trenames = false\n\tlog = true\n[diff]\n\trenames = copies\n\talgorithm = patience\n',
  '[merge]\n\tdirectoryRenames = true\n\trenormalize = true\n\trenameLimit = 1\n[core]\n\tautocrlf = true\n\teol = crlf\n',
  '[core]\n\tattributesFile = ATTRIBUTES\n[merge "loud"]\n\tdriver = echo driven >%A\n[merge]\n\tdefault = loud\n',
  '[log]\n\tshowSignature = true\n\tdate = relative\n[color]\n\tui = always\n[i18n]\n\tlogOutputEncoding = UTF-16\n[format]\n\tpretty = fuller\n',
  '[core]\n\tignoreCase = true\n\tquotePath = false\n\tcommitGraph = false\n[user]\n\tuseConfigOnly = true\n[rerere]\n\tenabled = true\n',
];
const ZONES = ['+0000', '-1200', '+1400', '+0530', '-0330', '+1245'];
const PLACES = ['UTC', 'Pacific/Kiritimati', 'America/St_Johns', 'Asia/Kolkata'];
const LOCALES = ['C', 'C.UTF-8', 'de_DE.UTF-8', 'tr_TR.UTF-8'];
const ATTRIBUTES = '* merge=union\n*.txt merge=loud\n*.bin text\n';
const YEARS = 365 * 86_400 * 8;

/**
 * Makes those who work on one store: repositories of which the objects are the same, so that what one has written is there for all. A root commit is
 * replaced by another one (git-replace(1)) in some of them.
 */
export function makeReplicas(
  sandbox: Sandbox,
  { store, name, count, base, replacement }: Setting,
  random: Random,
): Replica[] {
  return Array.from({ length: count }, (_, index) => {
    const top = sandbox.path(`${name}-${index}`);
    const gitDir = join(top, '.git');
    for (const folder of ['refs', 'info']) mkdirSync(join(gitDir, folder), { recursive: true });
    symlinkSync(join(store.folder, 'objects'), join(gitDir, 'objects'));
    writeFileSync(join(gitDir, 'HEAD'), 'ref: refs/heads/main\n');
    const attributes = join(gitDir, 'attributes');
    const config = oneOf(random, CONFIGS).replace('ATTRIBUTES', attributes);
    const sha256 = base.length === 64;
    const version = `[core]\n\trepositoryFormatVersion = ${sha256 ? 1 : 0}\n`;
    writeFileSync(
      join(gitDir, 'config'),
      `${version}${sha256 ? '[extensions]\n\tobjectFormat = sha256\n' : ''}${config}`,
    );
    for (const file of [attributes, join(gitDir, 'info/attributes'), join(top, '.gitattributes')])
      if (random() < 0.5) writeFileSync(file, ATTRIBUTES);
    const replaced = random() < 0.3 ? `${replacement} refs/replace/${base}\n` : '';
    writeFileSync(join(gitDir, 'packed-refs'), replaced);
    const env = {
      ...sandbox.env,
      TZ: oneOf(random, PLACES),
      LC_ALL: oneOf(random, LOCALES),
      GIT_COMMITTER_NAME: `Committer ${index}`,
      GIT_COMMITTER_DATE: `${below(random, YEARS)} +0100`,
    };
    return {
      head: base,
      was: [base],
      run: { cwd: top, env },
      skew: below(random, YEARS) - YEARS / 2,
      zone: oneOf(random, ZONES),
    };
  });
}

interface Setting {
  store: MergeStore;
  /** Names their folders. */
  name: string;
  count: number;
  base: string;
  /** What stands for the base where replacements are heeded. */
  replacement: string;
}
