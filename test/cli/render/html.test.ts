import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readPageParts } from '../../../src/cli/output/page-parts.ts';
import { cutText, drawWithin } from '../../../src/cli/render/html/cuts.ts';
import { markup } from '../../../src/cli/render/html/markup.ts';
import { reportPage } from '../../../src/cli/render/html/report-page.ts';
import { highestOf, sparkRates, sparkText } from '../../../src/display/sparks.ts';
import type { ReportRow } from '../../../src/core/reports/report.ts';
import { isInFull } from '../../support/proportion.ts';
import fc from '../../support/properties.ts';
import { GAP, longRow, numbers, reportOf, rowOf, timedRow } from '../../support/reports.ts';

const example = {
  seq: 1,
  time: GAP.from,
  session: 1,
  user: 'app',
  sql: '',
  isCut: true,
  flags: [],
};
const PARTS = { script: 'script()', style: 'p{}' };

describe('markup', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('<', '>', '"', "'", '&', '\0', '\u202e', '\ud800', '\u2028'))
      .map((characters) => characters.join('')),
  );

  it('never lets a text be more than text, or hide anything', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const written = markup`<p title="${text}">${text}</p>`.text;
        const [, title = '', content = ''] = /^<p title="(.*)">(.*)<\/p>$/.exec(written) ?? [];
        expect(title).toBe(content);
        expect(content).not.toMatch(/[<>"'\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(content.replaceAll(/&(amp|lt|gt|quot|#39);/g, '')).not.toContain('&');
      }),
    );
  });
});

describe('what is cut', () => {
  it('is cut between characters, and says so', () => {
    expect(cutText('abcdef', 6)).toBe('abcdef');
    expect(cutText('abcdefg', 6)).toBe('abcde…');
    expect(cutText('abcd😀fg', 6)).toBe('abcd…');
  });

  it('is as little as there is room for', () => {
    const drawn: number[] = [];
    const page = drawWithin(1_000, ({ inDetail }) => {
      drawn.push(inDetail);
      return 'é'.repeat(inDetail);
    });
    // Two bytes each: 500 of them fill it exactly.
    expect(page).toHaveLength(500);
    expect(drawn).toEqual([5_000, 250, 1_000, 500]);
  });

  it('is cut to the least where even that is too much', () => {
    expect(drawWithin(1, ({ inTable }) => '.'.repeat(inTable))).toHaveLength(10);
  });
});

describe('sparks', () => {
  it('show every statement, the highest rate as 9', () => {
    const slices = Array.from({ length: 96 }, (_, index) => (index === 50 ? 500 : index % 2));
    const window = { axis: { from: 0, width: 512, count: 96 }, from: 0, to: 96 * 512 };
    const rates = sparkRates(slices, window);
    expect(rates).toHaveLength(48);
    expect(sparkText(rates, highestOf(rates))).toMatch(/^1{25}91{22}$/);
    expect(sparkText([0, 1, 1_000], 1_000)).toBe(' 19');
    expect(sparkText(sparkRates([], null), 0)).toBe('');
  });
});

describe('a page', () => {
  it('allows itself its own script and style, by their hashes, and nothing else', () => {
    const page = reportPage({ report: reportOf([rowOf(0)]), others: [], metrics: null }, PARTS);
    expect(/content="(default-src[^"]+)"/.exec(page)?.[1]).toBe(
      "default-src 'none'; style-src 'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='; script-src 'sha256-CDLh4yoWJfBIMw7H1ZBIRltO0eEJoQFVjrJlAdFsr1o='; img-src data:; base-uri 'none'; form-action 'none'",
    );
  });

  it('has parts in which nothing ends them early', () => {
    const dist = new URL('../../../dist/page/', import.meta.url);
    const [script, style] = ['page.js', 'page.css'].map((name) =>
      readFileSync(new URL(name, dist), 'utf8'),
    );
    expect(script).not.toMatch(/<\/script|<!--|\beval\(|new Function\b/);
    expect(style).not.toMatch(/<\/style|@import|url\(/);
    // The licence asks for it.
    expect(script).toContain('Copyright (c) 2022 Leon Sorokin');
  });

  const everyName = Array.from({ length: 16 }, (_, index) => index);
  const random = numbers(1);
  const characters = Array.from({ length: 200_000 }, () =>
    String.fromCodePoint(0x20 + Math.floor(random() * 0x2ff0)),
  ).join('');
  // What comes again comes too late to be compressed away: further than 32 KiB behind.
  let used = 0;
  const noise = (length: number): string => {
    used = (used + length) % (characters.length - length);
    return characters.slice(used, used + length);
  };

  const kinds = [
    { what: 'long', row: longRow },
    {
      what: 'as bad as can be',
      // Nothing in them is like anything else, every character is longer in the page, and all lists are full.
      row: (index: number): ReportRow => ({
        ...longRow(index),
        text: '&<\u202e'.repeat(2_000),
        example: { ...example, sql: noise(4_096) },
        users: everyName.map(() => ({ name: noise(80), count: 1 })),
        hosts: everyName.map(() => ({ name: noise(255), count: 1 })),
        tables: everyName.map(() => ({ name: noise(64), count: 1, reads: 1, writes: 1 })),
      }),
    },
  ];
  // The worst takes 4 s.
  it.each(isInFull ? kinds : kinds.slice(0, 1))(
    'of 500 digests that are $what has less than 300 KB',
    async ({ row }) => {
      const rows = Array.from({ length: 500 }, (_, index) => row(index));
      const others = (['table', 'user', 'host', 'session'] as const).map((by) =>
        reportOf(rows.slice(0, 100), { by }),
      );
      const report = reportOf(rows, { gaps: Array.from({ length: 200 }, () => GAP) });
      const page = reportPage({ report, others, metrics: null }, await readPageParts());
      expect(Buffer.byteLength(page)).toBeLessThan(300_000);
      expect(page).toContain('180 more gaps');
    },
  );

  it('tells one statement in two databases apart, and marks the time that both have', () => {
    const times = {
      ...(timedRow(0).times ?? expect.fail('no times')),
      sharedBy: 2,
      averageMs: 9.84,
    };
    const rows = ['shop', 'sbtest'].map((db) => ({ ...timedRow(0), text: 'COMMIT', db, times }));
    const dbs = [
      { name: 'shop', count: 1 },
      { name: 'sbtest', count: 1 },
    ];
    const page = reportPage({ report: reportOf(rows, { dbs }), others: [], metrics: null }, PARTS);
    expect(page).toContain('<code>shop: COMMIT</code>');
    expect(page).toContain('<code>sbtest: COMMIT</code>');
    expect(page.match(/<td>9\.84ms\*/g)).toHaveLength(2);
    expect(page).toContain('* the time of several digests, which the server counts as one');
  });

  it('says of a report without statements that there are none', () => {
    const nothing = reportOf([], {
      window: { from: null, to: null, seconds: 0, isOpen: false },
      axis: { from: 0, width: 16, count: 0 },
      slices: [],
    });
    const page = reportPage({ report: nothing, others: [], metrics: null }, PARTS);
    expect(page).toContain('nothing was recorded');
    expect(page).toContain('No statements.');
    expect(page).not.toMatch(/NaN|Infinity|undefined|null</);
  });
});
