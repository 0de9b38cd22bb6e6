import { unquoteC } from './c-quote.ts';

/** A command of gitremote-helpers(7) that gam itself acts on; any other is `other`. */
export type HelperCommand =
  | { kind: 'capabilities' }
  | { kind: 'option'; name: string; value: string }
  | { kind: 'connect'; service: string; stateless: boolean }
  | { kind: 'end' }
  | { kind: 'other'; line: string };

/** Reads one command line of git's, without its LF. */
export function parseHelperCommand(line: string): HelperCommand {
  if (line === '') return { kind: 'end' };
  if (line === 'capabilities') return { kind: 'capabilities' };
  const [, word = '', rest = ''] = /^(\S+) (.*)$/s.exec(line) ?? [];
  if (word === 'connect' || word === 'stateless-connect') {
    return { kind: 'connect', service: rest, stateless: word === 'stateless-connect' };
  }
  if (word === 'option') {
    const space = rest.indexOf(' ');
    const name = space < 0 ? rest : rest.slice(0, space);
    return { kind: 'option', name, value: space < 0 ? '' : unquoteC(rest.slice(space + 1)) };
  }
  return { kind: 'other', line };
}
