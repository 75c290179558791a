import { describe, expect, it } from 'vitest';
import { isMetricNamed, type MetricDescription } from '../../../src/core/metrics/metric.ts';
import {
  alignWindow,
  parseStatistic,
  statisticsOf,
} from '../../../src/core/metrics/metric-source.ts';

const MINUTE = 60_000;

function metric(label: string, type = label): MetricDescription {
  return { origin: 'provider', label, type, displayName: type, unit: null, lowIsBad: false };
}

describe('the window of whole periods', () => {
  it('moves the start down and the end up', () => {
    expect(alignWindow({ from: 61_000, to: 119_999 }, MINUTE)).toEqual({
      from: 60_000,
      to: 120_000,
    });
    expect(alignWindow({ from: 60_000, to: 120_000 }, MINUTE)).toEqual({
      from: 60_000,
      to: 120_000,
    });
  });
});

describe('a metric', () => {
  it('finds a metric by its label or its type, however it is typed', () => {
    const cpu = metric('CPUUtilization', 'CPU UTILIZATION');
    for (const name of ['CPUUtilization', 'cpuutilization', 'CPU UTILIZATION', 'cpu-utilization']) {
      expect(isMetricNamed(cpu, name)).toBe(true);
    }
    expect(isMetricNamed(cpu, 'cpu')).toBe(false);
  });

  it('asks for the minimum too where it is the low values that hurt', () => {
    expect(statisticsOf({ ...metric('FreeableMemory'), lowIsBad: true })).toContain('Minimum');
    expect(statisticsOf(metric('CPUUtilization'))).toEqual(['Maximum', 'Average']);
  });
});

describe('the name of a statistic', () => {
  it.each([
    ['average', 'Average'],
    ['MAX', 'Maximum'],
    ['SampleCount', 'SampleCount'],
    ['P95', 'p95'],
    ['p99.9', 'p99.9'],
  ])('%s is %s', (text, name) => expect(parseStatistic(text)).toBe(name));

  it.each(['', 'p', 'p101', 'median', 'p9x'])('"%s" is none', (text) => {
    expect(() => parseStatistic(text)).toThrow('There is no statistic');
  });
});
