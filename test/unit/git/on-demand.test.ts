import { expect, test } from 'vitest';
import { isOnDemand } from '../../../src/git/on-demand.ts';

// As git 2.29 and git 2.39.5 hand `-c` on, alone and behind one of the user's.
test.each([
  ["'fetch.negotiationAlgorithm=noop'", true],
  ["'fetch.negotiationAlgorithm'='noop'", true],
  ["'core.editor'='vi' 'fetch.negotiationAlgorithm'='noop'", true],
  ["'core.editor=vi' 'fetch.negotiationAlgorithm=noop'", true],
  ["'fetch.negotiationAlgorithm'='skipping'", false],
  ["'fetch.negotiationAlgorithm'", false],
  ["'my.fetch.negotiationAlgorithm'='noop'", false],
  ["'fetch.negotiationAlgorithm'='noop-not'", false],
  ['', false],
])('%s', (parameters, lazy) => {
  expect(isOnDemand({ GIT_CONFIG_PARAMETERS: parameters })).toBe(lazy);
});

test('nothing is handed on', () => {
  expect(isOnDemand({})).toBe(false);
});
