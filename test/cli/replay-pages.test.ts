import { describe, expect, it } from 'vitest';
import { TIMING_ERRORS } from '../../src/cli/render/diff/timing-errors.ts';
import { replayComparisonPage } from '../../src/cli/render/html/replay-comparison-page.ts';
import { replayPage } from '../../src/cli/render/html/replay-page.ts';
import type { ReplayReport } from '../../src/core/replays/replay-report.ts';
import { compareReplays } from '../../src/core/reports/replay-comparison-rules.ts';
import { escapeText } from '../../src/display/escape.ts';
import { browserForPages, findChromium } from '../support/browser.ts';
import { PAYLOADS } from '../support/hostile-payloads.ts';
import { BACKGROUND, LOW_CONTRASTS, OPEN_ALL, STRANGE_ELEMENTS } from '../support/page-probes.ts';
import { randomNumbers } from '../support/simulated-load.ts';
import {
  replayOf,
  replayRow,
  simulatedRecord,
  simulatedReplay,
} from '../support/simulated-replays.ts';
import { needs } from '../support/skips.ts';

const program = findChromium();

describe('pages of replays in a browser', needs('path' in program, 'no Chromium'), () => {
  const pages = browserForPages(program);

  function pageOf(replay: ReplayReport): string {
    const page = { rows: replay.result.rows, sort: null, limit: 500, metrics: null };
    return replayPage({ replay, ...page, version: '0.1.0' }, pages.parts);
  }

  function comparisonOf(a: ReplayReport, b: ReplayReport): string {
    const comparison = compareReplays(
      a,
      b,
      { threshold: 0.2, chanceErrors: TIMING_ERRORS },
      { name: 'captures', version: '0.1.0' },
    );
    const rows = { a: a.result.rows, b: b.result.rows };
    return replayComparisonPage({ comparison, rows, limit: 500, metrics: null }, pages.parts);
  }

  it('of one replay account for every record, and show how its latencies are spread', async () => {
    const opened = await pages.open(pageOf(replays().b));
    const { page } = opened;
    const accounting = await page.locator('.accounting tr').allInnerTexts();
    expect(accounting.map((line) => line.replaceAll('\t', ' | '))).toEqual([
      ' | Records | Queries and executes',
      'Sent | 6,146 | 6,146',
      'Skipped | 7 | 7',
      'may change data: --writes sends it | 7 | 7',
      'Failed | 3 | 3',
      "error 1055: 'shop.o.total' isn't in GROUP BY | 3 | 3",
      'All | 6,156 | 6,156',
    ]);
    expect(await page.locator('.shape path').count()).toBe(1);
    expect(await page.locator('#chart-0 canvas').count()).toBe(1);
    expect(await page.locator('#digests .spark').count()).toBe(7);
    await page.locator('#digests tbody tr').first().click();
    const detail = await page.locator('#digests tr.detail').innerText();
    expect(detail).toMatch(/Latency\naverage [^]+longest/);
    expect(opened).toMatchObject({ complaints: [], requests: [] });
    await page.context().close();
  });

  it('of two replays begin with the verdict, and have both side by side', async () => {
    const { a, b } = replays();
    const opened = await pages.open(comparisonOf(a, b));
    const { page } = opened;
    expect(await page.locator('.verdict').innerText()).toBe(
      'B differs from A: 1 digest slower, 1 new error; otherwise B is as fast as A.',
    );
    expect(await page.locator('.shape path').count()).toBe(2);
    expect(await page.locator('#chart-0 .u-series').count()).toBe(3);
    expect(await page.locator('#slower .spark').count()).toBe(2);
    expect(await page.locator('#errors tbody tr').innerText()).toMatch(/1055\s+0\s+3/);
    await page.locator('#slower tbody tr').first().click();
    expect(await page.locator('#slower tr.detail').innerText()).toMatch(
      /Latency in A\n[^]+Latency in B\n/,
    );
    expect(opened).toMatchObject({ complaints: [], requests: [] });
    await page.context().close();
  });

  it('keep their numbers in sight where an error is long, and have the sums of tables', async () => {
    const { a, b } = replays();
    const message =
      'You have an error in your SQL syntax; check the manual that corresponds '.repeat(5);
    const more = {
      errors: [{ code: '1055', count: 3, message }],
      checksums: [{ table: 'shop.orders', checksum: '2190232732' }],
    };
    const long = { ...b, result: { ...b.result, ...more } };
    for (const text of [pageOf(long), comparisonOf(a, long)]) {
      const { page } = await pages.open(text, {
        viewport: { width: 1_200, height: 900 },
      });
      const widths = await page
        .locator('.scroll')
        .evaluateAll((all) => all.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth));
      expect(widths).toEqual(widths.map(() => 0));
      await page.context().close();
    }
    const { page } = await pages.open(pageOf(long));
    expect(await page.locator('[aria-labelledby="sums"] tbody tr').innerText()).toMatch(
      /shop\.orders\s+2190232732/,
    );
    await page.context().close();
  });

  it('of two replays with another load have a warning for a verdict, not good news', async () => {
    const rows = replays().a.result.rows;
    const text = comparisonOf(replayOf(rows), replayOf(rows, {}, { speed: null }));
    const { page } = await pages.open(text);
    const verdict = page.locator('.verdict');
    expect(await verdict.innerText()).toMatch(/^The load was not the same\. /);
    expect(await verdict.getAttribute('class')).toBe('verdict doubtful');
    await page.context().close();
  });

  it('show hostile text as text, in every place', async () => {
    const hostile = hostileReplay();
    const other = { ...hostile, id: 3, result: { ...hostile.result, rows: slowerRows(hostile) } };
    for (const text of [pageOf(hostile), comparisonOf(hostile, other)]) {
      const opened = await pages.open(text);
      const { page } = opened;
      await page.evaluate(OPEN_ALL);
      const shown = await page.locator('body').innerText();
      for (const payload of PAYLOADS) expect(shown).toContain(escapeText(payload));
      expect(await page.evaluate(STRANGE_ELEMENTS)).toEqual([0, 2, 0, 0]);
      expect(opened).toMatchObject({ complaints: [], requests: [] });
      await page.context().close();
    }
  });

  it('have their tables without scripts, and fit a telephone', async () => {
    const { a, b } = replays();
    for (const text of [pageOf(a), comparisonOf(a, b)]) {
      const { page } = await pages.open(text, {
        javaScriptEnabled: false,
        viewport: { width: 390, height: 800 },
      });
      expect(await page.locator('.rows tbody tr').count()).toBeGreaterThan(5);
      expect(await page.locator('.shape svg').isVisible()).toBe(true);
      expect((await page.locator('body').boundingBox())?.width).toBeLessThanOrEqual(390);
      await page.context().close();
    }
  });

  it.each(['light', 'dark'] as const)('can be read in %s colours', async (colorScheme) => {
    const { a, b } = replays();
    for (const text of [pageOf(b), comparisonOf(a, b)]) {
      const { page } = await pages.open(text, { colorScheme });
      await page.evaluate(OPEN_ALL);
      expect(await page.evaluate(LOW_CONTRASTS)).toEqual([]);
      const before = await page.evaluate(BACKGROUND);
      await page.getByRole('button', { name: /Change to/ }).click();
      expect(await page.evaluate(BACKGROUND)).not.toBe(before);
      expect(await page.evaluate(LOW_CONTRASTS)).toEqual([]);
      await page.context().close();
    }
  });
});

/** B has a digest that is slower, an error that is new, and was read-only as A was. */
function replays(): { readonly a: ReplayReport; readonly b: ReplayReport } {
  const random = randomNumbers(6);
  const record = simulatedRecord(6, 6_000, random);
  const slowness = (digest: number): number => (digest === 1 ? 3 : 1);
  const write = replayRow(9, [], { recorded: 7, skipped: { writes: 7 } });
  const before = simulatedReplay(record, { random }).result.rows;
  const after = simulatedReplay(record, { random, slowness }).result.rows.map((row, index) =>
    index === 2 ? { ...row, sent: row.sent - 3, failed: { '1055': 3 } } : row,
  );
  const errors = [{ code: '1055', count: 3, message: "'shop.o.total' isn't in GROUP BY" }];
  return {
    a: { ...replayOf([...before, write]), id: 7, name: 'on-10.11' },
    b: { ...replayOf([...after, write], { errors }), id: 8, name: 'on-11.8' },
  };
}

function evenly(micros: number): number[][] {
  return Array.from({ length: 24 }, (_, slice) => [micros, micros + slice, micros + 3]);
}

/** Every payload in every field that has a text of somebody else. */
function hostileReplay(): ReplayReport {
  const rows = PAYLOADS.map((text, index) =>
    replayRow(index, evenly(500), { text, db: text, failed: { [text]: 1 }, recorded: 73 }),
  );
  const errors = PAYLOADS.map((message) => ({ code: message, count: 1, message }));
  const replay = replayOf(rows, { errors, warnings: PAYLOADS, divergence: PAYLOADS });
  const text = PAYLOADS.join(' ');
  return {
    ...replay,
    name: text,
    environment: text,
    replay: {
      ...replay.replay,
      source: { ...replay.replay.source, captureName: text, environmentName: text },
    },
  };
}

function slowerRows({ result }: ReplayReport) {
  return result.rows.map((row, index) =>
    replayRow(index, evenly(2_500), { text: row.text, db: row.db, recorded: row.recorded }),
  );
}
