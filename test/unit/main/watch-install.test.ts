import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installWatch } from '../../../src/main/watch-install.ts';
import { crontabLine, systemdUnit } from '../../../src/sync/units.ts';

const PLAIN = { node: '/usr/bin/node', gam: '/usr/lib/gam/bin/run.js' };
/** All that some reader takes for more than itself. */
const ODD = ` a'b"c\\d%e$f;g#h{i}*`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gam-units-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const verifies = existsSync('/usr/bin/systemd-analyze');

describe('systemdUnit', () => {
  const lineOf = (unit: string, key: string) =>
    unit.split('\n').find((line) => line.startsWith(`${key}=`)) ?? '';

  test('starts what it is told, with the PATH that found git', () => {
    const unit = systemdUnit(PLAIN, '/usr/bin:/bin');
    expect(lineOf(unit, 'ExecStart')).toBe(
      'ExecStart="/usr/bin/node" "/usr/lib/gam/bin/run.js" watch run --quiet',
    );
    expect(lineOf(unit, 'Environment')).toBe('Environment="PATH=/usr/bin:/bin"');
  });

  test('quotes each word as its place has it: dollar signs count in arguments only', () => {
    const unit = systemdUnit({ node: '/a b%c$d"e\\f', gam: '/a b%c$d"e\\f' }, '/x$y %z\n');
    expect(lineOf(unit, 'ExecStart')).toBe(
      String.raw`ExecStart="/a b%%c$d\"e\\f" "/a b%%c$$d\"e\\f" watch run --quiet`,
    );
    expect(lineOf(unit, 'Environment')).toBe(String.raw`Environment="PATH=/x$y %%z\n"`);
  });

  test.skipIf(!verifies)('is taken by systemd, for a program with such a name', () => {
    // It takes no quotes in the name of a program, however they are quoted.
    const program = join(folder, `bin${ODD.replaceAll(/["'\\]/g, '')}`);
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o755);
    const file = join(folder, 'gam-watch.service');
    const verify = (node: string) => {
      writeFileSync(file, systemdUnit({ node, gam: ODD }, `/bin:${ODD}`));
      // It says what is wrong and, with this older one, ends well all the same.
      const script = 'systemd-analyze verify --man=no "$1" 2>&1; true';
      return execFileSync('sh', ['-c', script, 'sh', file], { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line.includes('gam-watch'));
    };
    expect(verify(program)).toEqual([]);
    expect(verify(`${program}-not`)).not.toEqual([]);
  });
});

describe('crontabLine', () => {
  // What cron makes of a command before sh gets it (crontab(5), "The command field").
  const commandOf = (line: string) => line.replace(/^(?:\S+ ){5}/, '').replaceAll('\\%', '%');

  test('shows plain names as they are', () => {
    expect(crontabLine(PLAIN)).toBe('*/5 * * * * /usr/bin/node /usr/lib/gam/bin/run.js watch run --once -q');
  });

  test('starts what it is told, whatever that is called', () => {
    const show = join(folder, `show${ODD}`);
    writeFileSync(show, '#!/bin/sh\nprintf "%s\\n" "$0" "$@"\n');
    chmodSync(show, 0o755);
    const line = crontabLine({ node: show, gam: ODD });
    expect(execFileSync('sh', ['-c', commandOf(line)], { encoding: 'utf8' }).split('\n')).toEqual([
      show,
      ODD,
      'watch',
      'run',
      '--once',
      '-q',
      '',
    ]);
  });

  test('has no percent sign at which cron would end it', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (node, gam) => {
        const line = crontabLine({ node, gam });
        expect(line.replaceAll('\\%', '')).not.toContain('%');
      }),
    );
  });
});

describe('installWatch', () => {
  const places = (name: string) => ({
    systemd: join(folder, name, 'systemd'),
    config: join(folder, name, 'config'),
    path: '/bin',
  });

  test('writes the unit where systemd runs, also over an older one', async () => {
    const own = places('with');
    mkdirSync(own.systemd, { recursive: true });
    const unit = join(own.config, 'systemd/user/gam-watch.service');
    expect(await installWatch({ ...PLAIN, node: '/old' }, own)).toEqual({ unit });
    expect(await installWatch(PLAIN, own)).toEqual({ unit });
    expect(readFileSync(unit, 'utf8')).toBe(systemdUnit(PLAIN, '/bin'));
  });

  test('writes nothing where it does not, and has a line for cron', async () => {
    const own = places('without');
    expect(await installWatch(PLAIN, own)).toEqual({ cron: crontabLine(PLAIN) });
    expect(existsSync(own.config)).toBe(false);
  });
});
