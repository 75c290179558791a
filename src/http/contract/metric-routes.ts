import * as z from 'zod/mini';
import type { MetricReport } from '../../core/metrics/metric-service.ts';
import type { MetricSeries } from '../../core/metrics/metric-source.ts';
import { referenceMetric, type ReferenceMetric } from '../../core/metrics/reference-metrics.ts';
import { capture } from './capture-form.ts';
import { ofCapture } from './capture-lookup-routes.ts';
import { defineRoute } from './define-route.ts';
import {
  documented,
  flag,
  formOf,
  instant,
  listOf,
  orNull,
  plain,
  repeated,
  secondsInQuery,
  type Form,
} from './wire.ts';

const tag = 'Metrics';

const window = z.object({ from: instant, to: instant });

const chosen = {
  source: z.optional(listOf(['provider', 'server', 'workload'])),
  metric: z.optional(repeated),
  stat: z.optional(z.string()),
  period: z.optional(secondsInQuery),
  from: z.optional(instant),
  to: z.optional(instant),
  refresh: z.optional(flag),
};

/** Goes one way: other programs read it, and nothing is made of it here. */
const referenceMetrics: Form<MetricReport> = z.codec(
  z.array(
    documented(
      z.object({
        label: z.string(),
        type: z.string(),
        displayName: z.string(),
        dataPoints: plain<ReferenceMetric['dataPoints']>(
          'Each with `Timestamp`, `Maximum`, `Unit`, and what other statistics there are',
        ),
      }),
      { id: 'Metric' },
    ),
  ),
  z.custom<MetricReport>(),
  {
    decode: () => {
      throw new Error('A report cannot be made of the metrics in it');
    },
    encode: ({ series, window: shown }) => series.map((one) => referenceMetric(one, shown)),
  },
);

export const metricsOfCapture = defineRoute({
  id: 'metricsOfCapture',
  at: 'GET /api/captures/{capture}/metrics',
  tag,
  summary: 'show metrics of a capture',
  description:
    "Exactly of its window. Those of the server, by its provider and by its own counters; the workload's too where `source` or `metric` asks for them. `metric` is a label or a type, and may be there several times; `period` is in seconds.",
  asksOthers: true,
  params: ofCapture,
  query: z.object(chosen),
  answer: { is: 'json', form: referenceMetrics },
});

export const metricReportOfCapture = defineRoute({
  id: 'metricReportOfCapture',
  at: 'GET /api/captures/{capture}/metric-report',
  tag,
  summary: 'show metrics of a capture as charts are drawn of them',
  description:
    'With what was before and after it: so many seconds as `margin` says, else the usual ones.',
  asksOthers: true,
  params: ofCapture,
  query: z.object({ ...chosen, margin: z.optional(secondsInQuery) }),
  answer: {
    is: 'json',
    form: formOf<MetricReport>()(
      z.object({
        capture,
        captureWindow: orNull(window),
        window,
        counted: window,
        // So many points that they go as they are.
        series: plain<readonly MetricSeries[]>(
          'Each metric with its points: `times` in milliseconds since 1970, and `values`',
        ),
        warnings: z.array(z.string()),
      }),
    ),
  },
});
