import { expect, test } from 'vitest';
import { TwoStep } from '../../../src/main/two-step.ts';

test('the first leaves, a second within two seconds stops, a later one leaves again', () => {
  const twoStep = new TwoStep(() => true);
  expect([0, 3000, 5000, 6999].map((now) => twoStep.pressed(now))).toEqual(['left', 'left', 'left', 'stop']);
});

test('where nothing is in hand, the first one stops, also long after another', () => {
  let held = true;
  const twoStep = new TwoStep(() => held);
  expect(twoStep.pressed(0)).toBe('left');
  held = false;
  expect(twoStep.pressed(60_000)).toBe('stop');
});
