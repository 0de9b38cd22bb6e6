import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactUrl } from '../../../src/protocol/redact.ts';
import { printable, printableProgress } from '../../../src/protocol/text.ts';

const plain = fc.stringMatching(/^[a-z0-9.-]{1,12}$/);

describe('redactUrl', () => {
  test('keeps host and path, never a password, wherever the login hides', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('http', 'https', 'ssh', 'git', 'ftp', 'HTTPS', 'mirror::https', 'mirror::ssh'),
        plain,
        fc.stringMatching(/^[A-Z@:!$&]{0,4}SECRET[A-Z@:!]{0,4}$/),
        plain,
        plain,
        (scheme, user, password, host, path) => {
          const shown = redactUrl(`${scheme}://${user}:${password}@${host}/${path}`);
          expect(shown).not.toContain('SECRET');
          expect(shown).toContain(host);
          expect(shown).toContain(path);
        },
      ),
    );
  });

  test('drops query and fragment of web URLs, and keeps a user that is part of the address', () => {
    expect(redactUrl('https://h/x?token=SECRET#SECRET')).toBe('https://h/x');
    expect(redactUrl('https://user@h/x')).toBe('https://h/x');
    expect(redactUrl('ssh://git@h/x')).toBe('ssh://git@h/x');
    expect(redactUrl('git@h:x')).toBe('git@h:x');
    expect(redactUrl('/srv/x')).toBe('/srv/x');
  });
});

describe('printable', () => {
  test('leaves nothing that a terminal obeys, and is its own fixed point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const shown of [printable(text), redactUrl(text)]) {
          expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u);
        }
        expect(printable(printable(text, 1e9), 1e9)).toBe(printable(text, 1e9));
        expect(printableProgress(text)).not.toMatch(/[\u0000-\u0008\u000b\u001b\u009b\u202e]/u);
      }),
    );
  });

  test('cuts what is endless', () => {
    expect(printable('x'.repeat(1e6))).toBe(`${'x'.repeat(300)}...`);
  });
});
