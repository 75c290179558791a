import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { canHaveMariadb, KIND_VARIABLE } from './scripts/server-programs.ts';
import { reportSkips } from './test/support/skip-reporter.ts';

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

/** Tests of servers and processes wait a lot: what only computes fills the gaps behind them. */
class ServersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification): boolean =>
      /\/test\/(servers|daemon|e2e)\//.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

/** What the command line does on a store it does on a server's, too: these are run a second time, over HTTP. */
const BOTH_WAYS = [
  'test/cli/{captures,diff,environments,exports,filters,hints,html-option,imports,json,list,live}.test.ts',
  'test/cli/{log-switch,members,metrics,next-steps,output-options,plan,prompts,recording,report}.test.ts',
  'test/cli/{schedules,sessions,users,verify,warm-ups,workload}.test.ts',
  'test/cli/{over-http,completion/completion}.test.ts',
];

const here: TestProjectConfiguration = {
  extends: true,
  test: {
    name: 'here',
    include: isOneKind ? NEED_A_SERVER : ['test/**/*.test.ts'],
    exclude: isOtherMariadb
      ? SAME_ON_EVERY_MARIADB
      : isWithServer
        ? []
        : [...NEED_A_SERVER, ...NEED_ANY_SERVER],
  },
};

const overHttp: TestProjectConfiguration = {
  extends: true,
  test: { name: 'over HTTP', include: BOTH_WAYS, provide: { isOverHttp: true } },
};

export default defineConfig({
  plugins: [reportSkips],
  test: {
    projects: isOneKind ? [here] : [here, overHttp],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/mark-run.ts'],
    // Half a second a file. A file leaves nothing behind for the next one: no spies, no variables.
    isolate: false,
    // Nets, longer than anything that a test waits for: see PATIENCE_MS.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Two cores, and tests of servers wait half of their time: 243 s with four, 222 s with five.
    maxWorkers: 5,
    sequence: { sequencer: ServersFirst },
    // npm run coverage: of this process alone; what child processes run is not in it.
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      reporter: ['text-summary', 'json-summary'],
      reportOnFailure: true,
    },
  },
});
