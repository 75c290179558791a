import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/mark-run.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: real servers and child processes must not starve one another.
    maxWorkers: 2,
  },
});
