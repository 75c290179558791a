import type { Reporter, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';
import type {} from './skips.ts';

/** Adds to the reporters of a run, whichever were asked for: skipped tests by reason, before the summary. */
export const reportSkips = {
  name: 'report-skips',
  configureVitest: ({ vitest }: { vitest: Vitest }): void => {
    vitest.config.reporters.unshift(skipReporter);
  },
};

const skipReporter: Reporter = {
  onTestRunEnd(modules) {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const reason = reasonOf(test) ?? `no reason given in ${module.relativeModuleId}`;
        counts.set(reason, (counts.get(reason) ?? 0) + 1);
      }
    }
    const lines = [...counts].map(([reason, count]) => `\n  ${count} ${reason}`);
    if (lines.length > 0) process.stderr.write(`\nSKIPPED tests, and why:${lines.join('')}\n`);
  },
};

function reasonOf(test: TestCase): string | null {
  const { note } = test.result() as { note?: string };
  if (note !== undefined) return note;
  for (let task: TestCase | TestSuite | TestModule = test; ; task = task.parent) {
    const { skipped } = task.meta();
    if (skipped !== undefined) return skipped;
    if (task.type === 'module') return null;
  }
}
