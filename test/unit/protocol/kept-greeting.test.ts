import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Advertisement, parseAdvertisement } from '../../../src/protocol/advertisement.ts';
import { parseKeptGreeting, wordingOf, writeKeptGreeting } from '../../../src/protocol/kept-greeting.ts';

const URL = 'https://far.example/project.git';

/** As GitHub and git 2.50 greet, and more. */
const GREETING = [
  'version 2',
  'agent=git/github-1',
  'ls-refs=unborn',
  'fetch=shallow wait-for-done filter packfile-uris sideband-all',
  'server-option',
  'object-format=sha1',
  'object-info',
  'bundle-uri',
  'session-id=1',
  'promisor-remote=name=lop,url=https://evil.example/',
];

function greeting(lines: readonly string[] = GREETING): Advertisement {
  const read = parseAdvertisement(lines);
  if (read === null) throw new Error('no greeting');
  return read;
}

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/);
const capability = fc.oneof(
  word,
  fc.tuple(word, fc.stringMatching(/^[ -~]{0,20}$/)).map(([name, value]) => `${name}=${value}`),
  fc.constantFrom('ls-refs', 'agent=git/2', 'object-format=sha256', 'server-option'),
);
const features = fc
  .subarray(['shallow', 'wait-for-done', 'sideband-all', 'ref-in-want'])
  .map((some) => `fetch=${['filter', ...some].join(' ')}`);

describe('a greeting that is kept', () => {
  test('is a matter of wording: nothing in it has git go elsewhere', () => {
    expect([...wordingOf(greeting()).capabilities]).toEqual([
      ['agent', 'git/github-1'],
      ['ls-refs', 'unborn'],
      ['fetch', 'shallow wait-for-done filter'],
      ['server-option', null],
      ['object-format', 'sha1'],
      ['object-info', null],
    ]);
  });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(capability), features, fc.webUrl(), (lines, fetch, url) => {
        const given = greeting(['version 2', ...lines, fetch]);
        expect(parseKeptGreeting(writeKeptGreeting(url, given), url)).toEqual(wordingOf(given));
      }),
    );
  });

  test('is none for another server', () => {
    fc.assert(
      fc.property(fc.webUrl(), fc.webUrl(), (url, other) => {
        fc.pre(url !== other);
        expect(parseKeptGreeting(writeKeptGreeting(url, greeting()), other)).toBeNull();
      }),
    );
  });

  test('is none where something of it is missing', () => {
    const text = writeKeptGreeting(URL, greeting());
    for (let length = 0; length < text.length; length += 1)
      expect(parseKeptGreeting(text.slice(0, length), URL)).toBeNull();
  });

  test.each([
    ['without filters', (text: string) => text.replace(' filter', '')],
    ['of another version', (text: string) => text.replace('version 2', 'version 3')],
    ['in another format', (text: string) => text.replace('gam-greeting 1', 'gam-greeting 2')],
    ['with an escape code', (text: string) => text.replace('agent=', 'agent=\u001b')],
    ['with a NUL', (text: string) => text.replace('agent=', 'agent=\0')],
    ['with an endless line', (text: string) => text.replace('agent=', `agent=${'x'.repeat(1001)}`)],
    ['with something behind', (text: string) => `${text}x\n`],
  ])('is none %s', (_what, spoil) => {
    const text = writeKeptGreeting(URL, greeting());
    expect(spoil(text)).not.toBe(text);
    expect(parseKeptGreeting(text, URL)).not.toBeNull();
    expect(parseKeptGreeting(spoil(text), URL)).toBeNull();
  });

  test('of anything, nothing that is more than wording', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        const read = parseKeptGreeting(`gam-greeting 1\n${URL}\n${lines.join('\n')}\nend\n`, URL);
        if (read !== null) expect(wordingOf(read)).toEqual(read);
      }),
    );
  });
});
