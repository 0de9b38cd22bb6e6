import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { linePacket } from '../../../src/pkt-line/encode.ts';
import { recallList } from '../../../src/state/mirror-lists.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type ListServer, listing, naming, offerList } from '../../helpers/list-server.ts';
import { type Scene, setScene } from '../../helpers/scene.ts';

let scene: Scene;
let list: ListServer;
let work: string;

beforeEach(async () => {
  scene = await setScene({ transport: 'http', config: { 'gam.acceptMirrorUrl': 'http://127.0.0.1:*/*' } });
  const { sandbox, server } = scene;
  list = offerList(server, sandbox.path('served'), sandbox.serverEnv);
  list.answer = naming(scene.mirror);
  work = await scene.copy('work');
  await sandbox.git(['config', '--unset-all', 'remote.origin.mirrorUrl'], { cwd: work });
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
});
afterEach(async () => {
  await expectNoChildren(scene.sandbox);
  await scene.close();
});

async function gam(args: string[], expectStatus = 0, cwd = work) {
  return scene.sandbox.run('gam', args, { cwd, expectStatus });
}

describe('gam mirrors refresh', () => {
  test('asks each time, and prints what it found, a mirror a line', async () => {
    list.answer = listing([
      ['a.url', scene.mirror],
      ['a.priority', 5],
      ['a.location', 'DE'],
      ['b.url', 'http://u:secret@m.example.com/x'],
      ['ttl', 7200],
      ['more', 3],
      ['state', 'deprecated'],
      ['successor', 'https://new.example.com/x'],
    ]);
    const { stdout } = await gam(['mirrors', 'refresh']);
    expect(stdout).toBe(
      [
        `origin (${scene.canonical}): 2 mirrors listed, 3 more on demand, good for 2 h`,
        `  ${scene.mirror} (priority 5, DE)`,
        '  http://m.example.com/x (refused: a login in the URL; give it to a credential helper instead)',
        '  canonical says it is deprecated; its successor is https://new.example.com/x',
        '',
      ].join('\n'),
    );
    await gam(['mirrors', 'refresh', '--remote', 'origin', '-q']);
    await gam(['mirrors', 'refresh', scene.canonical]);
    await gam(['mirrors', 'refresh', `mirror::${scene.canonical}`], 0, '.');
    expect(list.asked).toHaveLength(4);
  });

  test('has gam mirrors list show them, and the next fetch use them', async () => {
    list.answer = listing([
      ['a.url', 'https://a.example.com/x'],
      ['b.url', scene.mirror],
      ['b.priority', 5],
      ['b.location', '52.5,13.4'],
    ]);
    await gam(['mirrors', 'refresh', '-q']);
    const { stdout } = await gam(['mirrors', 'list', '--json']);
    const common = { source: 'server', canonical: scene.canonical, preferred: false };
    expect(JSON.parse(stdout)).toMatchObject([
      { ...common, url: scene.mirror, priority: 5, location: '52.5,13.4', state: 'ready', rank: 1 },
      {
        ...common,
        url: 'https://a.example.com/x',
        priority: null,
        state: 'refused',
        reason: 'not accepted by gam.acceptMirrorUrl',
        rank: null,
      },
    ]);
    const table = (await gam(['mirrors', 'list'])).stdout;
    expect(table).toContain('server');
    expect(table).toContain('refused: https://a.example.com/x: not accepted by gam.acceptMirrorUrl');
    const { stderr } = await scene.sandbox.git(['fetch'], { cwd: work });
    expect(stderr).toContain('gam: fetching from 127.0.0.1');
    expect(list.asked).toHaveLength(1);
  });

  test('--forget drops what is remembered, and asks nobody', async () => {
    await gam(['mirrors', 'refresh', '-q']);
    expect((await gam(['mirrors', 'refresh', '--forget'])).stdout).toContain(
      `forgot what ${scene.canonical}`,
    );
    expect((await gam(['mirrors', 'refresh', '--forget'])).stdout).toContain('nothing changed');
    expect(recallList(scene.canonical, scene.sandbox.env)).toBeNull();
    expect((await gam(['mirrors', 'list'])).stdout).toContain('No mirrors here');
    expect(list.asked).toHaveLength(1);
  });

  test('says where there is no list, or no answer', async () => {
    list.offers = false;
    expect((await gam(['mirrors', 'refresh'])).stdout).toBe(
      `origin (${scene.canonical}): no list of mirrors\n`,
    );
    list.offers = true;
    list.answer = (_, response) => void response.writeHead(200).end(linePacket('ERR no').raw);
    const { stdout, stderr } = await gam(['mirrors', 'refresh'], 1);
    expect(stdout).toBe('');
    expect(stderr).toContain(`gam: ${scene.canonical}: `);
    const gone = 'http://127.0.0.1:1/x';
    expect((await gam(['mirrors', 'refresh', gone], 1)).stderr).toContain(`gam: ${gone}: `);
  });

  describe('--accept-move', () => {
    const at = async () =>
      (await scene.sandbox.git(['config', 'remote.origin.url'], { cwd: work })).stdout.trim();
    const moved = (to: string) =>
      listing([
        ['state', 'moved'],
        ['successor', to],
      ]);

    test('gives the remote the new URL, mirror:: before it', async () => {
      list.answer = moved(scene.mirror);
      expect((await gam(['mirrors', 'refresh'])).stdout).toContain(
        `canonical has moved to ${scene.mirror}; to follow it: gam mirrors refresh --accept-move`,
      );
      expect(await at()).toBe(`mirror::${scene.canonical}`);
      const { stdout } = await gam(['mirrors', 'refresh', '--accept-move']);
      expect(stdout).toBe(`origin is at ${scene.mirror} from now on\n`);
      expect(await at()).toBe(`mirror::${scene.mirror}`);
      expect(recallList(scene.canonical, scene.sandbox.env)).toBeNull();
    });

    test.each([
      'ext::sh -c touch% x',
      '/etc',
      'https://me:pw@new.example.com/x',
      'git://new.example.com/x',
      '-x',
    ])('does not follow to %s', async (to) => {
      list.answer = moved(to);
      await gam(['mirrors', 'refresh', '--accept-move'], 1);
      expect(await at()).toBe(`mirror::${scene.canonical}`);
    });

    test('does nothing where the server does not say so', async () => {
      list.answer = listing([['successor', scene.mirror]]);
      expect((await gam(['mirrors', 'refresh', '--accept-move'])).stdout).toContain(
        'has not moved; nothing changed',
      );
      expect(await at()).toBe(`mirror::${scene.canonical}`);
    });
  });

  test('is used wrongly without anything to ask', async () => {
    expect((await gam(['mirrors', 'refresh'], 2, '.')).stderr).toContain('a URL is needed');
    await gam(['mirrors', 'refresh', 'x', '--remote', 'origin'], 2);
    await gam(['mirrors', 'refresh', '--remote', 'nobody'], 1);
  });
});
