import fc from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import { renderCharts } from '../../src/cli/render/charts/metrics-charts.ts';
import {
  renderComparedCharts,
  renderComparison,
} from '../../src/cli/render/charts/metrics-compare.ts';
import { renderOverview, type MetricView } from '../../src/cli/render/charts/metrics-overview.ts';
import { formatScaled, scaleFor } from '../../src/display/metrics-units.ts';
import { metricsLines } from '../../src/cli/render/diff/diff-metrics.ts';
import { plainPaint } from '../../src/cli/render/paint.ts';
import { displayWidth } from '../../src/cli/render/width.ts';
import { wallClockAt } from '../../src/core/time-zones.ts';
import { WORKLOAD_METRICS } from '../../src/core/metrics/workload-metrics.ts';
import {
  CLOUDWATCH_METRICS,
  describeCloudWatchMetric,
} from '../../src/metrics-source/cloudwatch/catalogue.ts';
import type { MetricReport } from '../../src/core/metrics/metric-service.ts';
import type { MetricSeries } from '../../src/core/metrics/metric-source.ts';
import { engineMetrics } from '../../src/metrics-source/mysql-status/engine-metrics.ts';
import type { ListedCapture } from '../../src/core/store.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-11-22T01:00:17Z');
const END = START + 90 * MINUTE;
const FIRST = Math.floor(START / MINUTE) * MINUTE - 14 * MINUTE;

const CAPTURE: ListedCapture = {
  id: 7,
  name: 'friday',
  environmentId: 1,
  ownerId: 1,
  type: 'CAPTURE',
  status: 'DONE',
  start: START,
  scheduledStart: null,
  scheduledEnd: END,
  end: END,
  duration: END - START,
  reason: null,
  createdAt: START,
  recordsStatements: true,
  options: RECORD_EVERYTHING,
  environmentName: 'shop',
  ownerName: 'ada',
  records: 5,
  textBytes: 5,
  fileBytes: 5,
  trouble: null,
  replayed: null,
};

function view(width: number, changes: Partial<MetricView> = {}): MetricView {
  const zone = 'Europe/Berlin';
  return {
    width,
    wallClock: (at) => wallClockAt(at, zone),
    zone,
    ascii: false,
    paint: plainPaint,
    statistic: null,
    ...changes,
  };
}

/** A series with a value each minute from a quarter before the capture to a quarter after it. */
function minutes(
  label: string,
  value: (minute: number) => number | null,
  count = 120,
): MetricSeries {
  const points = Array.from({ length: count }, (_, i) => [FIRST + i * MINUTE, value(i)] as const);
  const there = points.flatMap(([at, v]) => (v === null ? [] : [[at, v] as const]));
  const times = there.map(([at]) => at);
  const values = there.map(([, v]) => v);
  const known = [...WORKLOAD_METRICS, ...engineMetrics.metrics];
  const metric = known.find((m) => m.label === label) ?? describeCloudWatchMetric(label);
  return {
    metric,
    period: MINUTE,
    reach: MINUTE,
    end: null,
    tracks: ['Maximum', 'Average', ...(metric.lowIsBad ? ['Minimum'] : [])].map((statistic) => ({
      label,
      statistic,
      times,
      values,
    })),
  };
}

function report(...series: MetricSeries[]): MetricReport {
  return {
    capture: CAPTURE,
    captureWindow: { from: START, to: END },
    window: { from: START - 15 * MINUTE, to: END + 15 * MINUTE },
    counted: { from: START, to: END },
    series,
    warnings: [],
  };
}

const wave = (a: number, b: number, length: number) => (i: number) => a + b * Math.sin(i / length);

/** What a screen has to cope with, one metric each. */
const ZOO = report(
  minutes('Statements', (i) => (i < 15 || i >= 105 ? null : 1_200 + 900 * Math.sin(i / 9))),
  minutes('Sessions', (i) => (i < 15 || i >= 105 ? null : 8 + (i % 3))),
  minutes('CPUUtilization', (i) =>
    i === 70 ? 98.7 : i >= 40 && i < 52 ? null : wave(35, 12, 9)(i),
  ),
  minutes('ReadIOPS', wave(52_000, 9_000, 5)),
  minutes('WriteIOPS', () => 0),
  minutes('FreeableMemory', (i) => 3.2e9 - i * 1e6 - (i === 30 ? 2.5e9 : 0)),
  minutes('ReadThroughput', (i) => (i === 60 ? 2.4e7 : null)),
  minutes('FreeStorageSpace', (i) => 105e9 - i * 1e8),
  minutes('DatabaseConnections', () => 42),
  minutes('ReadLatency', (i) => 0.000_42 + 0.000_1 * Math.sin(i / 9)),
  minutes('WriteLatency', () => 1e-6),
  minutes('SwapUsage', () => 1e12),
  minutes('ReplicaLag', (i) => (i < 60 ? -1 : (i - 60) / 8)),
  minutes('DBLoad', (i) => Math.max(0, wave(1, 2, 20)(i))),
  minutes('BurstBalance', () => null),
  minutes('Threads_running', (i) => 1 + (i % 4)),
);
const OTHER: MetricReport = {
  ...ZOO,
  capture: { ...CAPTURE, id: 8, name: 'saturday', end: END - 30 * MINUTE },
  captureWindow: { from: START, to: END - 30 * MINUTE },
  counted: { from: START, to: END - 30 * MINUTE },
  window: { from: START - 15 * MINUTE, to: END - 15 * MINUTE },
  series: ZOO.series.map((series) => ({
    ...series,
    tracks: series.tracks.map((track) => ({ ...track, values: track.values.map((v) => v * 1.3) })),
  })),
};
const only = (whole: MetricReport, ...labels: string[]): MetricReport => ({
  ...whole,
  series: whole.series.filter(({ metric }) => labels.includes(metric.label)),
});
const FEW = ['CPUUtilization', 'FreeableMemory', 'ReplicaLag', 'ReadThroughput'];

const golden = (name: string): string => `golden/metrics-${name}.txt`;

describe.each([40, 80, 120, 200])('on a terminal of %i columns', (width) => {
  it('the overview is what somebody looked at', async () => {
    await expect(renderOverview(ZOO, view(width))).toMatchFileSnapshot(golden(`overview-${width}`));
  });
  it('so are the charts', async () => {
    const text = renderCharts(only(ZOO, ...FEW), view(width));
    await expect(text).toMatchFileSnapshot(golden(`charts-${width}`));
  });
  it('and the comparison', async () => {
    const text = renderComparison(ZOO, OTHER, view(width));
    await expect(text).toMatchFileSnapshot(golden(`compare-${width}`));
  });
});

describe('charts', () => {
  it('of extreme values are what somebody looked at', async () => {
    const text = renderCharts(
      only(
        ZOO,
        'WriteIOPS',
        'WriteLatency',
        'SwapUsage',
        'DatabaseConnections',
        'FreeStorageSpace',
      ),
      view(80),
    );
    await expect(text).toMatchFileSnapshot(golden('extremes-80'));
  });

  it('of two captures have two kinds of lines', async () => {
    const text = renderComparedCharts(only(ZOO, ...FEW), only(OTHER, ...FEW), view(80));
    await expect(text).toMatchFileSnapshot(golden('compared-charts-80'));
  });

  it('in ASCII have no other character', async () => {
    const ascii = view(80, { ascii: true });
    const screens = [
      renderOverview(ZOO, ascii),
      renderCharts(only(ZOO, ...FEW, 'WriteLatency'), ascii),
      renderComparison(ZOO, OTHER, ascii),
      renderComparedCharts(only(ZOO, ...FEW), only(OTHER, ...FEW), ascii),
    ].join('\n');
    expect(screens).toMatch(/^[\x20-\x7e\n]*$/);
    await expect(screens).toMatchFileSnapshot(golden('ascii-80'));
  });

  it('have one label width, so that their time axes line up', () => {
    const text = renderCharts(ZOO, view(100));
    const axes = text.split('\n').filter((line) => line.includes('└'));
    expect(new Set(axes.map((line) => line.indexOf('└'))).size).toBe(1);
    expect(new Set(axes).size).toBe(1);
  });

  it.each([
    ['Count/Second', 0.02, 1_200_000, '0.020/s', '1.20'],
    ['Bytes', 512, 3 * 1024 ** 3, '512B', '3'],
    ['Seconds', 0.000_002, 40, '2µs', '40'],
    ['Count', 1e-9, 1e6, '<0.001', '1'],
    ['Percent', 1e-9, 1e12, '<0.001', '>999999999'],
  ] as const)(
    '%s from %d to %d have each their unit, and no exponent',
    (unit, low, high, min, max) => {
      const scale = scaleFor(unit, high);
      expect([formatScaled(low, scale), formatScaled(high, scale)]).toEqual([min, max]);
    },
  );

  it('never have an exponent', () => {
    const units = [
      'Percent',
      'Bytes',
      'Bytes/Second',
      'Seconds',
      'Count/Second',
      'Count',
      null,
    ] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...units),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (unit, one, other) => {
          const scale = scaleFor(unit, Math.max(Math.abs(one), Math.abs(other)));
          const text = formatScaled(one, scale);
          expect(text).not.toMatch(/\de[-+\d]/);
          expect(text.length).toBeLessThanOrEqual(12);
        },
      ),
    );
  });

  it('say where the capture began and ended, on the axis of its zone', () => {
    const lines = renderCharts(only(ZOO, 'CPUUtilization'), view(100)).split('\n');
    const marks = lines.find((line) => line.includes('↑start')) ?? '';
    const times = lines.find((line) => /^ +(\d\d:\d\d +)+\d\d:\d\d$/.test(line)) ?? '';
    expect(Math.abs(marks.indexOf('↑start') - times.indexOf('02:00'))).toBeLessThanOrEqual(1);
    expect(marks).toContain('↑end');
  });

  it('show a gap as a gap', () => {
    const lines = renderCharts(only(ZOO, 'CPUUtilization'), view(130)).split('\n');
    const column = (minute: number): string =>
      lines
        .slice(2, 15)
        .map(
          (line) =>
            line[
              5 +
                Math.floor(((FIRST + minute * MINUTE - START + 15 * MINUTE) / (120 * MINUTE)) * 125)
            ],
        )
        .join('');
    expect(column(45).trim()).toBe('');
    expect(column(20).trim()).not.toBe('');
  });
});

describe('any report', () => {
  const anyValue = fc.oneof(
    fc.double({ noNaN: true, min: -1e15, max: 1e15 }),
    fc.constantFrom(0, -1, 1e-6, 1e12, 99.999, 1_024, 9_999.5, 0.000_5),
  );
  const anySeries = fc
    .record({
      label: fc.constantFrom(...CLOUDWATCH_METRICS.map(({ label }) => label), 'SomethingElse'),
      values: fc.array(fc.option(anyValue), { maxLength: 140 }),
    })
    .map(({ label, values }) => minutes(label, (i) => values[i] ?? null, values.length));
  const anyReport = fc.array(anySeries, { maxLength: 5 }).map((series) => report(...series));

  it('fits the width, in every line of every screen, and none throws', () => {
    fc.assert(
      fc.property(
        anyReport,
        anyReport,
        fc.integer({ min: 40, max: 200 }),
        fc.boolean(),
        (a, b, width, ascii) => {
          const with_ = view(width, { ascii });
          const screens = [
            renderOverview(a, with_),
            renderCharts(a, with_),
            renderComparison(a, b, with_),
            renderComparedCharts(a, b, with_),
          ];
          for (const line of screens.join('\n').split('\n')) {
            if (displayWidth(line) > width)
              throw new Error(`${displayWidth(line)} > ${width}: ${line}`);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('shows one spike in 100,000 points at its full height', () => {
    const times = Array.from({ length: 100_000 }, (_, i) => START + i * 54);
    const values = times.map((_, i) => (i === 77_777 ? 100 : 1));
    const series: MetricSeries = {
      metric: describeCloudWatchMetric('CPUUtilization'),
      period: 54,
      reach: 54,
      end: null,
      tracks: [{ label: 'CPUUtilization', statistic: 'Maximum', times, values }],
    };
    const chart = renderCharts(report(series), view(80)).split('\n');
    expect(chart.find((line) => line.startsWith('100 '))).toMatch(/[╭╮]/);
    expect(renderOverview(report(series), view(80))).toMatch(/▂█▂/);
  });

  // How long that takes, bench/metrics.ts measures.
  it('is drawn of 20 metrics of 10,000 points each, a line for each', () => {
    const many = report(
      ...CLOUDWATCH_METRICS.map(({ label }) => minutes(label, wave(50, 40, 7), 10_000)),
    );
    const shown = renderOverview(many, view(120));
    for (const { type } of CLOUDWATCH_METRICS) expect(shown).toContain(type);
  });
});

describe('the metrics of a diff', () => {
  it.each([40, 80])(
    'are a few lines at %i columns: what changed most, and where the rest is',
    (width) => {
      const lines = metricsLines({ a: ZOO, b: OTHER }, { a: 'friday', b: "o'clock" }, view(width));
      expect(lines.filter((line) => displayWidth(line) > width)).toEqual([]);
      expect(lines.length).toBeLessThanOrEqual(width === 40 ? 7 : 4);
      const text = lines.join(' ');
      expect(text).toMatch(
        /^Metrics: .*, DB LOAD 1\.37 to 2\.67 \(\+95 %\), RECORDED STATEMENTS 1144 to 1625 \/s/,
      );
      expect(text).toMatch(/ All: captures metrics friday --compare .*o.*clock.*$/);
    },
  );

  it('that rest on few points are behind the others, and a number keeps its unit', () => {
    // Six points within the capture, of which one is not 0; and a rate that is surely other.
    const of = (threads: (minute: number) => number, statements: number): MetricReport =>
      report(
        minutes('Sessions', threads, 21),
        minutes('Statements', (i) => statements + (i % 2), 21),
      );
    const a = of((i) => (i === 16 ? 1 : 0), 1_000);
    const b = of((i) => (i % 3 === 0 ? 1 : 0), 1_300);
    for (const width of [40, 57, 80]) {
      const lines = metricsLines({ a, b }, { a: 'a', b: 'b' }, view(width)).join('\n');
      expect(lines.replace(/\s+/g, ' ')).toMatch(/^Metrics: RECORDED STATEMENTS .*, .*SESSIONS /);
      expect(lines).toMatch(/ to [\d.]+ \/s \(\+30 %\)/);
    }
  });

  it('that are the same are said to be', () => {
    const same = metricsLines({ a: ZOO, b: ZOO }, { a: 'a', b: 'b' }, view(80)).join(' ');
    expect(same).toMatch(/^Metrics: \d+ metrics, none of them different\. All:/);
  });
});
