import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { type ConfigKey, writeSection } from './edit.ts';

const NAME = /^[a-z][a-z0-9-]*$/i;

function unwritable(key: string, why: string): GamError {
  return new GamError('bad-config', `'${printable(key, 60)}' cannot be written: ${why}`);
}

function parseKey(key: string): ConfigKey {
  const [, section = '', subsection, name = ''] = /^([^.]*)(?:\.(.*))?\.([^.]*)$/s.exec(key) ?? [];
  if (!NAME.test(section) || !NAME.test(name)) throw unwritable(key, 'not the name of a variable');
  return { section, subsection: subsection ?? null, name };
}

/**
 * Writes variables as a configuration file, of which `git config --list` then tells just these, in this order
 * (git-config(1), "Syntax"); it is read by parseConfigList().
 *
 * @throws GamError `bad-config` for a name that git does not take, and for control characters: git would read some of them
 *   otherwise than they were written, and none belongs into what is shown on terminals
 */
export function writeVariables(variables: readonly (readonly [key: string, value: string])[]): string {
  const lines: string[] = [];
  let before = '';
  for (const [key, value] of variables) {
    if (/[\u0000-\u001f\u007f]/.test(key + value)) throw unwritable(key, 'a control character');
    const [header = '', ...rest] = writeSection(parseKey(key), [value]);
    if (header !== before) lines.push(header);
    lines.push(...rest);
    before = header;
  }
  return lines.map((line) => `${line}\n`).join('');
}
