import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,integration,e2e}/**/*.test.ts'],
    reporters: ['default', './test/helpers/counts-reporter.ts'],
    // Some tests run git a hundred times, and a machine may be busy; they end a test that hangs, nothing else.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: 'forks',
    maxWorkers: 2,
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
