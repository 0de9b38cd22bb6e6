import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { servingEnvironment } from '../../../src/git/http-backend.ts';
import { ListFinder } from '../../../src/server/page/find-lists.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// Which repositories of a folder tell of mirrors, as the page looks for them.

let sandbox: Sandbox;

beforeAll(() => {
  sandbox = makeSandbox();
});

afterAll(() => sandbox.close());

test('a list in a file that is included is found, and found anew when that file changes', async () => {
  await initBare(sandbox, 'served/x.git');
  await initBare(sandbox, 'served/without.git');
  const file = sandbox.path('list.conf');
  const write = (url: string) =>
    writeFileSync(file, `[mirrorList]\n\tenabled\n[mirrorList "eu"]\n\turl = ${url}\n`);
  write('https://eu.example/x.git');
  await sandbox.git(['config', 'include.path', file], { cwd: 'served/x.git' });
  const finder = new ListFinder(sandbox.path('served'), servingEnvironment(sandbox.env));
  const found = async () =>
    (await finder.find()).lists.map(({ path, settings }) => [path, settings.mirrors[0]?.url]);
  expect(await found()).toEqual([['/x.git', 'https://eu.example/x.git']]);
  write('https://europe.example/x.git');
  expect(await found()).toEqual([['/x.git', 'https://europe.example/x.git']]);
  finder.end();
  expect(await finder.find()).toEqual({ lists: [], truncated: true });
});
