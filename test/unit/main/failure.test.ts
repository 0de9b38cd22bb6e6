import { describe, expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import { tellFailure } from '../../../src/main/failure.ts';

describe('tellFailure', () => {
  test('tells message and suggestion, and ends with 1, or with 2 for wrong usage', () => {
    expect(tellFailure(new GamError('bad-url', 'no\u001b[2J', { suggestion: 'do this' }))).toEqual({
      lines: ['no?[2J', 'do this'],
      status: 1,
    });
    expect(tellFailure(new GamError('usage', 'no')).status).toBe(2);
  });

  test('tells what nobody foresaw in one line', () => {
    expect(tellFailure(new Error('a\nb'))).toEqual({ lines: ['a?b'], status: 1 });
    expect(tellFailure('odd')).toEqual({ lines: ['odd'], status: 1 });
  });
});
