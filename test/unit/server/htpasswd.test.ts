import { describe, expect, test } from 'vitest';
import { isPasswordOf } from '../../../src/server/check-password.ts';
import { parseHtpasswd } from '../../../src/server/htpasswd.ts';
import { basicCredentials } from '../../../src/server/login.ts';

// openssl passwd -apr1 made the one below.
const BCRYPT = '$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC';
const SHA = '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=';

describe('an htpasswd file', () => {
  test('names users, with comments and empty lines between them', () => {
    const users = parseHtpasswd(`# all of us\n\nada:${BCRYPT}\r\nbea:${SHA}\n`, 'f');
    expect([...users]).toEqual([
      ['ada', BCRYPT],
      ['bea', SHA],
    ]);
  });

  test.each([
    'ada',
    ':x',
    'ada:',
    'ada:plain',
    'ada:$5$x$y',
    'a\u001b[1m:{SHA}x',
    `ada: ${SHA}`,
    `ada:${SHA}x`,
  ])('%j is malformed, and told by its line', (line) => {
    const wrong = expect.objectContaining({
      code: 'bad-htpasswd',
      message: expect.stringMatching(/^f, line 2: /),
    });
    expect(() => parseHtpasswd(`# one\n${line}\n`, 'f')).toThrow(wrong);
  });

  test.each([
    [SHA, 'password', true],
    [SHA, 'Password', false],
    ['$apr1$xxxxxxxx$dxHfLAsjHkDRmG83UXe8K0', 'password', true],
    ['$apr1$xxxxxxxx$dxHfLAsjHkDRmG83UXe8K0', 'passwort', false],
  ])('%s is the hash of %s: %s', async (hash, password, isSo) =>
    expect(await isPasswordOf(password, hash)).toBe(isSo),
  );
});

describe('a login', () => {
  const header = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

  test.each([
    [header('ada:pass:word'), { user: 'ada', password: 'pass:word' }],
    [header('\u00e4:\u00f6'), { user: '\u00e4', password: '\u00f6' }],
    [header(':'), { user: '', password: '' }],
    [header('ada').replace('Basic', 'basic'), null],
    ['Bearer xyz', null],
    ['Basic !', null],
    [undefined, null],
  ])('%s', (text, credentials) => expect(basicCredentials(text)).toEqual(credentials));
});
