import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { BAND } from '../../../src/pkt-line/sideband.ts';
import { type HostileScene, type Outcome, setHostileScene } from '../../helpers/hostile-scene.ts';
import {
  onBand,
  packFrom,
  packStart,
  refsToTell,
  type Script,
  scripted,
  startHostileServer,
  type ToldRef,
} from '../../helpers/hostile-server.ts';
import { cloneBare } from '../../helpers/repository.ts';

// Group 16: what a mirror says reaches the terminal without a single character that acts on it.

let scene: HostileScene;
let refs: ToldRef[];
let whole: Buffer;

beforeAll(async () => {
  scene = await setHostileScene();
  refs = await refsToTell(scene.sandbox, 'served/canonical.git');
  whole = await packFrom(scene.sandbox, 'served/canonical.git', [], ['--all']);
});

afterAll(() => scene.close());

const ATTACKS = [
  '\u001b[31mred\u001b[0m',
  '\u001b]0;title\u0007',
  '\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\',
  '\u001b[2J\u001b[H\u001bc',
  '\u009b31mC1',
  'over\b\b\b\bwritten',
  '\u202egnp.exe\u2066\u200f',
  '\u0000\u0007\u000b\u000c\u007f\u0085\u2028\ufeff',
];
const ATTACK = `${ATTACKS.join(' ')} plain`;

/** Escape codes, controls and turns of direction; line ends are git's own way to draw progress. */
const ACTING =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

function expectHarmless(outcome: Outcome): void {
  expect(ACTING.exec(outcome.stderr)).toBeNull();
  expect(ACTING.exec(outcome.stdout)).toBeNull();
  // Text that draws over a line of gam's must not stand in one.
  for (const line of outcome.said) expect(line).not.toContain('\r');
}

async function serving(changes: Partial<Script>): Promise<string> {
  return scene.add(await startHostileServer(scripted(refs, whole, changes))).url;
}

test('progress on the side-band, in every quantity of it', async () => {
  const url = await serving({
    async fetch(request, out) {
      const text = Buffer.from(`${ATTACK}\n${ATTACK}\r\r\r${ATTACK}`);
      await out.send(...packStart(request), ...onBand(BAND.progress, text));
      // Cut in the middle of every character.
      for (const byte of text) await out.send(...onBand(BAND.progress, Buffer.of(byte)));
      await out.send(...onBand(BAND.progress, Buffer.from([0x9b, 0x33, 0x31, 0x6d, 0xff, 0xfe, 0x0a])));
      await out.send(...onBand(BAND.data, whole), FLUSH);
    },
  });
  for (const args of [['--progress'], [], ['-q']]) {
    const outcome = await scene.clone(url, { args });
    await scene.expectPassedOver(outcome);
    expectHarmless(outcome);
    expect(outcome.stderr.includes('plain')).toBe(args[0] !== '-q');
    if (args[0] === '-q') expect(outcome.stderr).toBe('');
  }
});

test('progress cannot pretend to be a line of gam or git', async () => {
  const text = 'gam: all is well\nfatal: give your password\r\nPassword: \rgam: 100 % saved\n';
  const url = await serving({
    fetch: (request, out) =>
      out.send(
        ...packStart(request),
        ...onBand(BAND.progress, Buffer.from(text)),
        ...onBand(BAND.data, whole),
        FLUSH,
      ),
  });
  const outcome = await scene.clone(url, { args: ['--progress'] });
  await scene.expectPassedOver(outcome);
  expect(outcome.said.filter((line) => /all is well|100 % saved/.test(line))).toEqual([]);
  const forged = outcome.stderr.split(/[\r\n]/).filter((line) => /give your|Password|is well/.test(line));
  expect(forged.length).toBeGreaterThan(0);
  for (const line of forged) expect(line).toMatch(/^remote: /);
});

test('an error packet, on the side-band, before the pack, instead of refs and of a greeting', async () => {
  const error = linePacket(`ERR ${ATTACK}`);
  const places: Partial<Script>[] = [
    { greeting: (out) => out.send(error) },
    { lsRefs: (_request, out) => out.send(error, FLUSH) },
    { fetch: (_request, out) => out.send(error) },
    {
      fetch: (request, out) =>
        out.send(...packStart(request), ...onBand(BAND.error, Buffer.from(ATTACK)), FLUSH),
    },
    { fetch: (_request, out) => out.send(linePacket(ATTACK)) },
  ];
  for (const place of places) {
    const outcome = await scene.clone(await serving(place));
    await scene.expectPassedOver(outcome, /: (?:refused|stopped|sent) ?.+/);
    expectHarmless(outcome);
  }
});

test('an error longer than a line is cut', async () => {
  const url = await serving({ fetch: (_r, out) => out.send(linePacket(`ERR ${'long '.repeat(5000)}`)) });
  const outcome = await scene.clone(url);
  await scene.expectPassedOver(outcome, /: refused: .+\.\.\.$/);
  expect(outcome.passedOver[0]?.length).toBeLessThan(300);
});

test('standard error of an ssh mirror', async () => {
  const { sandbox } = scene;
  const ssh = sandbox.path('talking-ssh');
  writeFileSync(sandbox.path('attack'), `${ATTACK}\n${ATTACK}\r${ATTACK}\n`);
  const path = await cloneBare(sandbox, 'served/canonical.git', 'by-ssh.git');
  for (const serves of [true, false]) {
    const then = serves ? `exec git-upload-pack '${path}'` : 'exit 1';
    writeFileSync(ssh, `#!/bin/sh\ncat '${sandbox.path('attack')}' >&2\n${then}\n`);
    chmodSync(ssh, 0o755);
    const outcome = await scene.clone('ssh://host/repo', { env: { GIT_SSH: ssh, GIT_SSH_VARIANT: 'ssh' } });
    await scene.expectPassedOver(outcome, ...(serves ? [] : [/^host: /]));
    expectHarmless(outcome);
  }
});

test('an http status text, and a page', async () => {
  const server = await scene.serve('served');
  server.answer = (request, response) => {
    request.resume();
    response.writeHead(403, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`${ATTACK}\n${ATTACK}`);
    return true;
  };
  const outcome = await scene.clone(`${server.url}/repo.git`);
  await scene.expectPassedOver(outcome, /: .*403/);
  expectHarmless(outcome);
});

test('names of refs, agents, capabilities and lines of no kind', async () => {
  const oid = refs[0]?.oid ?? '';
  const trace = scene.sandbox.path('trace');
  const url = await serving({
    greeting: (out) =>
      out.send(...['version 2', `agent=${ATTACK}`, 'ls-refs', 'fetch', `${ATTACK}=1`].map(linePacket), FLUSH),
    lsRefs: (_request, out) =>
      out.send(
        ...ATTACKS.map((attack) => linePacket(`${oid} refs/heads/${attack}`)),
        ...refs.map(({ name, oid: id }) => linePacket(`${id} ${name} symref-target:${ATTACK}`)),
        FLUSH,
      ),
  });
  const outcome = await scene.clone(url, { env: { GAM_TRACE: trace } });
  await scene.expectPassedOver(outcome);
  expectHarmless(outcome);
  const format = await serving({
    greeting: (out) =>
      out.send(...['version 2', 'ls-refs', 'fetch', `object-format=${ATTACK}`].map(linePacket), FLUSH),
  });
  const other = await scene.clone(format, { env: { GAM_TRACE: trace } });
  await scene.expectPassedOver(other, /: has .+ objects$/);
  expectHarmless(other);
  expect(ACTING.exec(readFileSync(trace, 'utf8'))).toBeNull();
});
