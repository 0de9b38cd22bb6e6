import { allValues, type ConfigEntry, lastValue } from '../config/entries.ts';
import { readMirrorList } from '../config/mirror-list.ts';
import { type Remote, rewriteUrl } from '../config/remotes.ts';
import { readSettings } from '../config/settings.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { anyEnabled, rewrittenBases } from './enabling.ts';
import { judgeMirrorUrl } from './refusal.ts';

/** One thing that `gam doctor` has found. */
export interface Finding {
  /** A stable name for scripts. */
  check: string;
  /** `error`: something cannot work. `warning`: it works, but not as one may think. */
  severity: 'error' | 'warning';
  message: string;
  remedy: string;
}

/** What the configuration rules need beside the configuration. */
export interface Situation {
  entries: readonly ConfigEntry[];
  remotes: readonly Remote[];
  hasSubmodules: boolean;
}

interface Configured {
  url: string;
  /** As `git config` takes it. */
  key: string;
  canonical: string | null;
  base: string | null;
}

function error(check: string, message: string, remedy: string): Finding {
  return { check, severity: 'error', message, remedy };
}

function warning(check: string, message: string, remedy: string): Finding {
  return { check, severity: 'warning', message, remedy };
}

function configuredMirrors({ entries, remotes }: Situation): Configured[] {
  return entries.flatMap(({ section, subsection, name, value }): Configured[] => {
    if (subsection === null || value === null) return [];
    if (section === 'mirror' && name === 'url')
      return [{ url: value, key: `mirror.${subsection}.url`, canonical: subsection, base: subsection }];
    if (section !== 'remote' || (name !== 'mirrorurl' && name !== 'preferredmirror')) return [];
    const canonical = remotes.find((remote) => remote.name === subsection)?.canonical ?? null;
    const written = name === 'mirrorurl' ? 'mirrorUrl' : 'preferredMirror';
    return [{ url: value, key: `remote.${subsection}.${written}`, canonical, base: null }];
  });
}

function isForbidden(entries: readonly ConfigEntry[], transport: string): boolean {
  const allow =
    lastValue(entries, 'protocol', transport, 'allow') ?? lastValue(entries, 'protocol', null, 'allow');
  return allow === 'never';
}

function mirrorFindings(
  entries: readonly ConfigEntry[],
  { url, key, canonical, base }: Configured,
): Finding[] {
  const shown = redactUrl(url);
  const name = printable(key);
  const { parsed, refusal } = judgeMirrorUrl(url);
  if (parsed === null)
    return [
      error(
        'mirror-refused',
        `${name} = ${shown} is never contacted: ${refusal}`,
        `git config --edit, and correct or remove ${name}`,
      ),
    ];
  if (url === canonical)
    return [
      error('mirror-is-canonical', `${name} = ${shown} is canonical itself`, `gam mirrors remove ${shown}`),
    ];
  const transport = parsed.kind === 'web' ? parsed.scheme : parsed.kind;
  if (isForbidden(entries, transport))
    return [
      error(
        'transport-forbidden',
        `${shown} needs ${transport}, and protocol.${transport}.allow forbids it`,
        `git config --global protocol.${transport}.allow always`,
      ),
    ];
  if (base !== null && /[/:]$/.test(base) && !/[/:]$/.test(url))
    return [
      warning(
        'mirror-joins-badly',
        `${name} = ${shown} lacks the / that its base ends in`,
        `remove it and run gam mirrors add ${shown} --for ${redactUrl(base)}`,
      ),
    ];
  return [];
}

function remoteFindings(remote: Remote): Finding[] {
  const login = /^mirror::[a-z][a-z0-9+.-]*:\/\/[^/?#@]*:[^/?#]*@/i.test(remote.url);
  if (!login) return [];
  const name = printable(remote.name);
  return [
    warning(
      'password-in-url',
      `the URL of remote ${name} holds a password, and git prints it on every push`,
      `git remote set-url ${name} ${redactUrl(remote.url)}, and use a credential helper (git help credentials)`,
    ),
  ];
}

function protocolFindings({ entries, remotes, hasSubmodules }: Situation): Finding[] {
  const allow =
    lastValue(entries, 'protocol', 'mirror', 'allow') ?? lastValue(entries, 'protocol', null, 'allow');
  const remedy = 'git config --global protocol.mirror.allow always';
  if (allow === 'never')
    return [
      error('mirror-forbidden', 'protocol.mirror.allow is never: git refuses every mirror:: URL', remedy),
    ];
  const needed = anyEnabled(entries) || (hasSubmodules && remotes.some((remote) => remote.throughGam));
  if (!needed || allow === 'always') return [];
  return [
    error(
      'submodules-forbidden',
      'git refuses mirror:: for submodules: protocol.mirror.allow is not always',
      remedy,
    ),
  ];
}

function rewriteFindings({ entries }: Situation): Finding[] {
  return rewrittenBases(entries).map((base) =>
    warning(
      'rewrite',
      `${redactUrl(base)} goes through gam by url.mirror::<base>.insteadOf: git remote -v shows mirror:: and git-lfs, which reads it, may fail`,
      `with git 2.36 or newer: gam enable ${redactUrl(base)}`,
    ),
  );
}

function headerFindings({ entries }: Situation): Finding[] {
  if (allValues(entries, 'http', null, 'extraheader').every((header) => header === '')) return [];
  return [
    warning(
      'unscoped-header',
      'http.extraHeader is set for every host; gam withholds it from mirrors, since it may hold a token',
      'set it for one host only: http.<url>.extraHeader',
    ),
  ];
}

// Of a repository that is served from here.
function listFindings({ entries }: Situation): Finding[] {
  const { enabled, mirrors } = readMirrorList(entries).settings;
  if (!enabled || mirrors.length > 0) return [];
  return [
    warning(
      'empty-list',
      'mirrorList.enabled is set, and no mirror is listed: clients are told an empty list',
      'git config mirrorList.<id>.url <url>, for each mirror',
    ),
  ];
}

/** Everything in the configuration that cannot work, or works in another way than one may think. */
export function configFindings(situation: Situation): Finding[] {
  const { entries, remotes } = situation;
  const warnings = [...readSettings(entries).warnings, ...readMirrorList(entries).warnings];
  const unreadable = warnings.map((message) =>
    error('setting', printable(message), 'git config --edit, or --global --edit, and correct it'),
  );
  const rewrites = remotes.filter((remote) => rewriteUrl(entries, remote.url).startsWith('mirror::mirror::'));
  return [
    ...unreadable,
    ...configuredMirrors(situation).flatMap((mirror) => mirrorFindings(entries, mirror)),
    ...rewrites.map((remote) =>
      error(
        'mirror-twice',
        `remote ${printable(remote.name)} leads to mirror:: twice`,
        `git remote set-url ${printable(remote.name)} with the plain URL`,
      ),
    ),
    ...remotes.flatMap(remoteFindings),
    ...protocolFindings(situation),
    ...rewriteFindings(situation),
    ...headerFindings(situation),
    ...listFindings(situation),
  ];
}
