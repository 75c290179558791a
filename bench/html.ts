/**
 * What a page of HTML costs, beside the JSON of the same report: `node bench/html.ts`. Build first: npm run build.
 *
 * Milliseconds of CPU time (medians of 3, in turn) and KB of a page of 500 and of 20,000 digests, with statements of 250 and of
 * 2,000 characters, and of `JSON.stringify` of the same report. A page of 20,000 is one that --limit 20000 asks for.
 */
import { readPageParts } from '../src/cli/output/page-parts.ts';
import { reportPage } from '../src/cli/render/html/report-page.ts';
import { longRow, reportOf, timedRow } from '../test/support/reports.ts';

const RUNS = 3;
const KINDS = { '250 characters': timedRow, '2,000 characters': longRow };

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function timed(work: () => string): { ms: number; bytes: number } {
  const start = process.cpuUsage();
  const text = work();
  const { user, system } = process.cpuUsage(start);
  return { ms: (user + system) / 1_000, bytes: Buffer.byteLength(text) };
}

const parts = await readPageParts();
for (const digests of [500, 20_000]) {
  for (const [name, row] of Object.entries(KINDS)) {
    const report = reportOf(Array.from({ length: digests }, (_, index) => row(index)));
    const pages: number[] = [];
    const objects: number[] = [];
    let size = { page: 0, json: 0 };
    for (let run = 0; run < RUNS; run += 1) {
      const page = timed(() => reportPage({ report, others: [], metrics: null }, parts));
      const json = timed(() => JSON.stringify(report));
      pages.push(page.ms);
      objects.push(json.ms);
      size = { page: page.bytes, json: json.bytes };
    }
    const kb = (bytes: number): string => `${Math.round(bytes / 1_000)} KB`;
    const ratio = (median(pages) / median(objects)).toFixed(1);
    process.stdout.write(
      `${digests} digests of ${name}: page ${median(pages).toFixed(0)} ms, ${kb(size.page)}; JSON ${median(objects).toFixed(0)} ms, ${kb(size.json)}; ratio ${ratio}\n`,
    );
  }
}
