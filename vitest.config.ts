import { defineConfig } from 'vitest/config';
import { canHaveMariadb, KIND_VARIABLE } from './scripts/server-programs.ts';

/** Tests that start a database server of their own; `npm run check:servers` runs these on each kind. */
const NEED_A_SERVER = [
  'test/servers/**/*.test.ts',
  'test/daemon/{changed-log,fake-time,kills,recording}.test.ts',
  'test/e2e/main-job.test.ts',
];
/** These say nothing of a server that is not said of every kind. */
const NEED_ANY_SERVER = [
  'test/daemon/stalled.test.ts',
  'test/e2e/{daemons,faults,full-disk,refusals}.test.ts',
];
/** What they say is said on MariaDB 10.11 for every MariaDB, and on MySQL besides. */
const SAME_ON_EVERY_MARIADB = [
  'test/daemon/kills.test.ts',
  'test/servers/{rds,sql-client,waiting}.test.ts',
];
const isOneKind = KIND_VARIABLE in process.env;
const isOtherMariadb = process.env[KIND_VARIABLE]?.startsWith('mariadb-') === true;
// The global setup says so in a line of its own, or installs what is missing.
const mustHaveServer = process.env['CI'] === 'true' || isOneKind;
const isWithServer = mustHaveServer || canHaveMariadb();

export default defineConfig({
  test: {
    include: isOneKind ? NEED_A_SERVER : ['test/**/*.test.ts'],
    exclude: isOtherMariadb
      ? SAME_ON_EVERY_MARIADB
      : isWithServer
        ? []
        : [...NEED_A_SERVER, ...NEED_ANY_SERVER],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/mark-run.ts'],
    // Not an assertion: a test of 7 s took 60 s beside a load of 9. What hangs is ended all the same.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // Two cores: real servers and child processes must not starve one another.
    maxWorkers: 2,
    // npm run coverage: of this process alone; what child processes run is not in it.
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'json-summary'] },
  },
});
