import { defineConfig } from 'vitest/config';
import { canHaveMariadb } from './scripts/mariadb-program.ts';

/** Tests that start a MariaDB server of their own. */
const NEED_A_SERVER = [
  'test/mariadb/**',
  'test/daemon/{changed-log,fake-time,kills,recording}.test.ts',
  'test/e2e/!(bin|bad-stores|races).test.ts',
];
// The global setup says so in a line of its own, or installs what is missing.
const mustHaveServer = process.env['CI'] === 'true';
const isWithServer = mustHaveServer || canHaveMariadb();

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: isWithServer ? [] : NEED_A_SERVER,
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/mark-run.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: real servers and child processes must not starve one another.
    maxWorkers: 2,
    // npm run coverage: of this process alone; what child processes run is not in it.
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'json-summary'] },
  },
});
