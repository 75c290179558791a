import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { canHaveMariadb, KIND_VARIABLE } from './scripts/server-programs.ts';
import { BOTH_WAYS } from './test/support/both-ways.ts';
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
  'test/e2e/{api-restarts,daemon-ends,daemons,faults,full-disk,refusals}.test.ts',
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

/** Tests of servers, processes and pages wait half of their time. */
const WAITING = /\/test\/(servers|daemon|e2e|http\/page)/;
/** Those that wait longest, whatever their files' sizes. */
const LONGEST = /\/(e2e\/(faults|full-disk)|http\/page|servers\/(values|waiting))\.test/;

/**
 * What waits runs from the first second to the last, the longest first, and what only computes in between: in the
 * order of before, all that waits first, what computes filled no gap.
 */
class Mixed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isOf = (kind: RegExp) => (file: TestSpecification) => kind.test(file.moduleId);
    const waiting = sorted.filter(isOf(WAITING));
    const first = [
      ...waiting.filter(isOf(LONGEST)),
      ...waiting.filter((file) => !isOf(LONGEST)(file)),
    ];
    // A worker serves one project: what is run over HTTP stays together, at the end.
    const others = sorted.filter((file) => !isOf(WAITING)(file));
    const between = others.filter(({ project }) => project.name !== OVER_HTTP);
    const each = between.length / Math.max(1, first.length);
    return [
      ...first.flatMap((file, n) => [
        file,
        ...between.slice(Math.round(n * each), Math.round((n + 1) * each)),
      ]),
      ...(first.length === 0 ? between : []),
      ...others.filter(({ project }) => project.name === OVER_HTTP),
    ];
  }
}

const OVER_HTTP = 'over HTTP';

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
  test: {
    name: OVER_HTTP,
    include: BOTH_WAYS.map((name) => `test/cli/${name}.test.ts`),
    provide: { isOverHttp: true },
  },
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
    sequence: { sequencer: Mixed },
    // npm run coverage: of this process alone; what child processes run is not in it.
    coverage: {
      provider: 'v8',
      include: ['src/**'],
      reporter: ['text-summary', 'json-summary'],
      reportOnFailure: true,
    },
  },
});
