import { expect, test } from 'vitest';
import { parseUploadPackWords } from '../../../src/server/upload-pack-words.ts';

test.each([
  [['x'], { directory: 'x', strict: false, greets: true }],
  [['--strict', '--timeout=5', 'x'], { directory: 'x', strict: true, greets: true }],
  [['x', '--strict', '--no-strict'], { directory: 'x', strict: false, greets: true }],
  [['--stateless-rpc', 'x'], { directory: 'x', strict: false, greets: false }],
  [['--stateless-rpc', '--advertise-refs', 'x'], { directory: 'x', strict: false, greets: true }],
  [['--stateless-rpc', '--http-backend-info-refs', 'x'], { directory: 'x', strict: false, greets: true }],
  [['--', '-x'], { directory: '-x', strict: false, greets: true }],
])('reads %j', (words, expected) => {
  expect(parseUploadPackWords(words)).toEqual(expected);
});

test.each([[[]], [['a', 'b']], [['--stric', 'x']], [['--timeout', '5', 'x']], [['-h']], [['--colour', 'x']]])(
  'leaves %j to git',
  (words) => {
    expect(parseUploadPackWords(words)).toBeNull();
  },
);
