import type { MetricRequest } from '../../../core/metrics/metric-service.ts';
import { metricReportOfCapture, metricsOfCapture } from '../../contract/metric-routes.ts';
import type { InputOf } from '../../contract/route.ts';
import { handle } from '../handler.ts';

export const metricHandlers = [
  handle(metricsOfCapture, ({ api, actor }, { params, query }) => {
    const { metric = [], source } = query;
    // The reference's are those of the server.
    const usual = metric.length > 0 ? null : (['provider', 'server'] as const);
    const request = { ...chosenBy(query), origins: source ?? usual, margin: 0 };
    return api.metrics.report(actor, params.capture, request);
  }),
  handle(metricReportOfCapture, ({ api, actor }, { params, query }) =>
    api.metrics.report(actor, params.capture, {
      ...chosenBy(query),
      origins: query.source ?? null,
      margin: query.margin ?? null,
    }),
  ),
];

type Chosen = Omit<MetricRequest, 'origins' | 'margin'>;

function chosenBy(query: InputOf<typeof metricsOfCapture>['query']): Chosen {
  const { metric = [], stat = null, period = null, from = null, to = null } = query;
  return { names: metric, statistic: stat, period, from, to, refresh: query.refresh === true };
}
