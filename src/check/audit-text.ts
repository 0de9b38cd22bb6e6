import type { Haves } from '../git/haves.ts';
import type { Credential, Header } from '../transport/shown.ts';
import type { Audit, AuditedHost } from './audited-host.ts';

/** Where what is said of a host begins, behind its label. */
const INDENT = 15;

/** Words in lines of this width, the first one behind a label, the others below it. */
function wrapped(label: string, words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = `  ${label}`.padEnd(INDENT);
  for (const word of words) {
    if (line.length > INDENT && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(INDENT);
    }
    line += line.length > INDENT ? ` ${word}` : word;
  }
  return [...lines, line];
}

function listed(items: readonly string[]): string[] {
  return items
    .map((item, at) => (at < items.length - 1 ? `${item},` : item))
    .flatMap((item) => item.split(' '));
}

function credentialWords(all: readonly Credential[]): string[] {
  const sent = (when: Credential['sent']) =>
    listed(all.filter((one) => one.sent === when).map(({ kind, from }) => `${kind} (${from})`));
  const [always, asked] = [sent('always'), sent('asked')];
  if (always.length + asked.length === 0) return ['none'];
  const behind = always.length > 0 && asked.length > 0 ? ['and,'] : [];
  return [...always, ...behind, ...(asked.length > 0 ? ['when', 'asked:', ...asked] : [])];
}

function headerWords(all: readonly Header[]): string[] {
  const named = (always: boolean) =>
    listed(
      all
        .filter((one) => one.always === always)
        .map(({ name, from }) => (from === null ? name : `${name} (${from})`)),
    );
  const sometimes = named(false);
  return [...named(true), ...(sometimes.length > 0 ? ['and,', 'at', 'times:', ...sometimes] : [])];
}

function haveWords({ refs }: Haves): string[] {
  const folders = Object.entries(refs).map(([folder, count]) => `${count} under ${folder}/`);
  return ['ids', 'of', 'commits', 'that', 'refs', 'here', 'lead', 'to:', ...listed(folders)];
}

function refWords({ role, refs }: AuditedHost): string[] {
  const names = listed(refs.map((name) => (name.endsWith('/') ? `${name}*` : name)));
  return role === 'mirror' ? ['those', 'wanted', 'of', ...names] : names;
}

function headline({ role, rank, state, url, service }: AuditedHost): string {
  const place = rank === null ? role : `${role} ${rank}`;
  const what = service === 'bundle' ? `${place}, a bundle` : place;
  return `${state === 'ready' ? what : `${what}, ${state}`}: ${url}`;
}

function hostLines(host: AuditedHost, width: number): string[] {
  const { state, reason, rewrittenFrom, proxy, userAgent, haves, addresses, headers, credentials } = host;
  const lines = [headline(host)];
  const say = (label: string, words: readonly string[]) => lines.push(...wrapped(label, words, width));
  if (reason !== null) say('why', reason.split(' '));
  if (state === 'refused' || state === 'off') return lines;
  if (rewrittenFrom !== null) say('rewritten', ['from', rewrittenFrom]);
  if (host.transport === 'file')
    return [...lines, ...wrapped('stays here', ['read', 'on', 'this', 'machine'], width)];
  say('credentials', credentialWords(credentials));
  if (headers.length > 0) say('headers', headerWords(headers));
  if (proxy !== null)
    say('proxy', [proxy.url, `(${proxy.from})`, ...(proxy.login ? ['with', 'a', 'login'] : [])]);
  if (userAgent !== null) say('user agent', [userAgent]);
  if (host.service === 'git') {
    say('refs', refWords(host));
    if (host.askedFor !== null) say('asked for', [host.askedFor]);
    say('haves', haves === null ? ['none'] : haveWords(haves));
  }
  if (addresses !== null) say('address', listed(addresses));
  return lines;
}

/**
 * An audit as people read it: a block of lines for each host.
 * @param width in columns; only single words, such as URLs, go beyond it
 */
export function writeAudit({ hosts }: Audit, width: number): string[] {
  return hosts.flatMap((host, at) => [...(at === 0 ? [] : ['']), ...hostLines(host, width)]);
}
