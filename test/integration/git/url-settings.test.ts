import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeSection } from '../../../src/config/edit.ts';
import type { ConfigEntry } from '../../../src/config/entries.ts';
import { settingsForUrl } from '../../../src/git/url-settings.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = makeSandbox();
});
afterAll(() => sandbox.close());

const scope = fc.constantFrom(
  null,
  'https://git.example.com',
  'https://git.example.com/group/',
  'https://*.example.com/',
  'https://u@git.example.com/',
  'https://git.*.com/group',
  'https://other.example.com/',
  'http://git.example.com/',
  'no "URL" \\ at all',
);
const entries = (section: string) =>
  fc
    .array(scope, { minLength: 1, maxLength: 6 })
    .map((scopes): ConfigEntry[] =>
      scopes.map((subsection, at) => ({ section, subsection, name: 'proxy', value: `value-${at}` })),
    );
const url = fc.constantFrom('https://git.example.com/group/r.git', 'https://u@git.example.com/r');

test('what counts for a URL is what git says that does', async () => {
  await fc.assert(
    fc.asyncProperty(entries('http'), url, async (all, to) => {
      const options = { env: sandbox.env, cwd: sandbox.root };
      const taken = (await settingsForUrl(to, all, 'best-first', options)).get('proxy') ?? [];
      const input = all.flatMap((entry) => writeSection(entry, [entry.value ?? ''])).join('\n');
      const asked = ['config', '--file', '-', '--get-urlmatch', 'http.proxy', to];
      const { stdout } = await sandbox.git(asked, { input, expectStatus: null });
      expect(taken.at(-1)?.value ?? '').toBe(stdout.trim());
    }),
    { numRuns: 40 },
  );
});

test('of those for credentials all that apply are taken, in their order', async () => {
  const all = ['https://git.example.com', null, 'https://other.example.com', 'https://*.example.com'].map(
    (subsection, at): ConfigEntry => ({
      section: 'credential',
      subsection,
      name: 'helper',
      value: String(at),
    }),
  );
  const taken = await settingsForUrl('https://git.example.com/r', all, 'all', { env: sandbox.env });
  expect(taken.get('helper')?.map(({ value }) => value)).toEqual(['0', '1', '3']);
});
