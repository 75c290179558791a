import { describe, expect, it } from 'vitest';
import { comparisonPage } from '../../src/cli/render/html/comparison-page.ts';
import { reportPage } from '../../src/cli/render/html/report-page.ts';
import { escapeText } from '../../src/display/escape.ts';
import { compareReports } from '../../src/core/reports/comparison-rules.ts';
import type { Report, ReportRow } from '../../src/core/reports/report.ts';
import { browserForPages, findChromium } from '../support/browser.ts';
import {
  BACKGROUND,
  BREAK_IN,
  COUNT_PRINTED,
  LOW_CONTRASTS,
  OPEN_ALL,
  STRANGE_ELEMENTS,
} from '../support/page-probes.ts';
import { PAYLOADS } from '../support/hostile-payloads.ts';
import { GAP, longRow, reportOf, rowOf, timedRow } from '../support/reports.ts';
import { needs } from '../support/skips.ts';

const program = findChromium();

describe('a page in a browser', needs('path' in program, 'no Chromium'), () => {
  const pages = browserForPages(program);

  function pageOf(report: Report, others: readonly Report[] = []): string {
    return reportPage({ report, others, metrics: null }, pages.parts);
  }

  it('of long digests asks for nothing, and is sorted, filtered, opened and printed', async () => {
    const rows = Array.from({ length: 40 }, (_, index) => longRow(index));
    const untimed = reportOf(rows, { gaps: [GAP] });
    const timesMs = rows.reduce((sum, { times }) => sum + (times?.totalMs ?? 0), 0);
    const report = { ...untimed, coverage: { ...untimed.coverage, times: 1, timesMs } };
    const text = pageOf(report, [
      reportOf([rowOf(0, { name: 'app', text: null })], { by: 'user' }),
    ]);
    const opened = await pages.open(text);
    const { page } = opened;
    const cells = (column: number): Promise<string[]> =>
      page
        .locator(`#by-digest tbody tr:not(.detail):visible td:nth-child(${column})`)
        .allInnerTexts();

    const shares = (await cells(8)).map((share) => Number(/^(\d+\.\d) %$/.exec(share)?.[1]));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);

    // As the report has them; then by average, the largest first; then the other way.
    const header = page.locator('#by-digest th', { hasText: 'Average' });
    expect(await page.locator('#by-digest [aria-sort]').innerText()).toContain('Count');
    await header.getByRole('button').click();
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    expect((await cells(6)).slice(0, 2)).toEqual(['2ms', '1.95ms']);
    await header.getByRole('button').focus();
    await page.keyboard.press('Enter');
    expect(await header.getAttribute('aria-sort')).toBe('ascending');
    expect((await cells(6)).slice(0, 2)).toEqual(['50.0µs', '100µs']);
    expect(await page.locator('#by-digest [aria-sort]').count()).toBe(1);

    // Words of the whole statement, also of what the table has no room for.
    await page.locator('.filter input').first().fill('column_39_of_8 UPDATE');
    expect(await page.locator('.filter output').first().innerText()).toBe('1 of 40');
    expect(await cells(1)).toHaveLength(1);
    await page.locator('#by-digest .toggle:visible').focus();
    await page.keyboard.press('Space');
    const detail = page.locator('#by-digest tr.detail:visible');
    expect(await detail.innerText()).toMatch(
      /column_39_of_8[^]+Example: session 48[^]+Tables\nshop\.carts/,
    );
    expect(await detail.innerText()).toContain('(2026-11-29 22:00:08 Europe/Berlin)');
    await page.locator('.filter input').first().fill('nothing has this');
    expect(await page.locator('#by-digest tbody tr:visible').count()).toBe(0);
    await page.locator('.filter input').first().fill('');
    expect(await page.locator('#by-digest tr.detail:visible').count()).toBe(1);

    // The rate is drawn, and the page fits.
    expect(await page.locator('#chart-0 canvas').count()).toBe(1);
    expect(await page.locator('.spark path').first().getAttribute('d')).toMatch(/^M\d+ 9v-\d/);

    // For print everything is open, and afterwards as it was.
    await page.evaluate(COUNT_PRINTED);
    await page.locator('.filter input').first().fill('column_39_of_8');
    const pdf = await page.pdf();
    expect(pdf.length).toBeGreaterThan(20_000);
    expect(Number(await page.locator('body').getAttribute('data-printed'))).toBeGreaterThan(1);
    expect(await page.locator('#by-digest tr.detail:visible').count()).toBe(1);
    expect(opened).toMatchObject({ complaints: [], requests: [] });
    await page.context().close();
  });

  it('shows hostile text as text, in every place', async () => {
    const text = pageOf(hostileReport(), [
      ...(['table', 'user', 'host', 'session'] as const).map((by) => hostileReport({ by })),
    ]);
    const opened = await pages.open(text);
    const { page } = opened;
    await page.evaluate(OPEN_ALL);
    const shown = await page.locator('body').innerText();
    for (const payload of PAYLOADS) expect(shown).toContain(escapeText(payload));
    // Nothing of ours is of these, and no element has a handler.
    expect(await page.evaluate(STRANGE_ELEMENTS)).toEqual([0, 2, 0, 0]);
    expect(opened).toMatchObject({ complaints: [], requests: [] });
    await page.context().close();
  });

  it('would not run a script that came through all the same', async () => {
    const { page, complaints, requests } = await pages.open(pageOf(reportOf([rowOf(0)])));
    await page.evaluate(BREAK_IN);
    await expect.poll(() => complaints.join('\n')).toMatch(/inline script[^]+img-src/);
    expect(await page.title()).toBe('shop/friday: report');
    // It was not sent, and it is seen: no request means none.
    expect(requests).toEqual(['http://127.0.0.1:9/x.png']);
    await page.context().close();
  });

  it('has its tables without scripts, and fits a telephone', async () => {
    const timed = pageOf(reportOf([timedRow(0), timedRow(1)], { gaps: [GAP] }));
    const { page } = await pages.open(timed, {
      javaScriptEnabled: false,
      viewport: { width: 390, height: 800 },
    });
    expect(await page.locator('#by-digest tbody tr').count()).toBe(2);
    expect(await page.locator('#by-digest th:visible').allInnerTexts()).not.toContain('When');
    expect(await page.locator('svg.still').isVisible()).toBe(true);
    expect(await page.locator('svg.still .gap').count()).toBe(1);
    expect(await page.locator('main').innerText()).toContain('somebody switched the log off');
    const box = await page.locator('body').boundingBox();
    expect(box?.width).toBeLessThanOrEqual(390);
    await page.context().close();
  });

  it.each(['light', 'dark'] as const)('can be read in %s colours', async (colorScheme) => {
    const whole = reportOf([rowOf(0)], { gaps: [GAP] });
    const { page } = await pages.open(pageOf(whole), { colorScheme });
    await page.evaluate(OPEN_ALL);
    const low = (): Promise<unknown> => page.evaluate(LOW_CONTRASTS);
    expect(await low()).toEqual([]);
    const before = await page.evaluate(BACKGROUND);
    await page.getByRole('button', { name: /Change to/ }).click();
    const after = await page.evaluate(BACKGROUND);
    expect(after).not.toBe(before);
    expect(await low()).toEqual([]);
    await page.context().close();
  });

  it('of a comparison has both rates on one axis, and what is new, gone, more and slower', async () => {
    const rows = Array.from({ length: 12 }, (_, index) => evenRow(index));
    const a = reportOf(rows.slice(1));
    const b = reportOf(
      rows.slice(0, 11).map((row, index) => (index === 4 ? threeTimes(row) : row)),
      { capture: { ...a.capture, name: '<b>saturday</b>' } },
    );
    const comparison = compareReports(a, b, { threshold: 0.2, per: null }, a.program);
    expect([comparison.new, comparison.gone, comparison.more].map((kind) => kind.length)).toEqual([
      1, 1, 1,
    ]);
    const opened = await pages.open(
      comparisonPage({ comparison, limit: 500, metrics: null }, pages.parts),
    );
    const { page } = opened;
    expect(await page.locator('h1').innerText()).toBe('shop/friday and shop/<b>saturday</b>');
    expect(await page.locator('#chart-0 .u-series').count()).toBe(3);
    expect(await page.locator('#more tbody tr').innerText()).toMatch(/SELECT[^]+\+200 %/);
    expect(await page.locator('#more .spark').count()).toBe(2);
    await page.locator('#new tbody tr').click();
    expect(await page.locator('#new tr.detail').innerText()).toContain('In B\n200,003 statements');
    expect(opened).toMatchObject({ complaints: [], requests: [] });
    await page.context().close();
  });
});

/** A row whose rate is the same all the time. */
function evenRow(index: number): ReportRow {
  const row = timedRow(index);
  return { ...row, slices: row.slices.map(() => Math.floor(row.count / row.slices.length)) };
}

function threeTimes(row: ReportRow): ReportRow {
  return {
    ...row,
    count: row.count * 3,
    perSecond: row.perSecond * 3,
    slices: row.slices.map((count) => count * 3),
  };
}

/** Every payload in every field that has a text of somebody else. */
function hostileReport(over: Partial<Report> = {}): Report {
  const rows = PAYLOADS.map((text, index): ReportRow => {
    const row = rowOf(index);
    const { example } = row;
    const names = [{ name: text, count: 1 }];
    return {
      ...row,
      name: text,
      text,
      db: text,
      users: names,
      hosts: names,
      tables: [{ name: text, count: 1, reads: 1, writes: 1 }],
      example: example === null ? null : { ...example, sql: text, user: text },
    };
  });
  const all = PAYLOADS.join(' ');
  return reportOf(rows, {
    capture: {
      id: 1,
      name: all,
      environment: all,
      status: 'FAILED',
      server: { flavor: all, version: all },
    },
    verdict: {
      verdict: 'not_whole',
      whole: false,
      line: all,
      problems: [{ kind: 'failed', what: all, segment: null }],
      notes: [all],
    },
    gaps: PAYLOADS.map((reason) => ({ ...GAP, reason })),
    byClass: [{ name: all, count: 1 }],
    ...over,
  });
}
