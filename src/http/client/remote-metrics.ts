import type { Api } from '../../core/api.ts';
import { metricReportOfCapture } from '../contract/metric-routes.ts';
import type { Connection } from './connection.ts';
import { said } from './said-fields.ts';

type Metrics = Api['metrics'];

/** `MetricService` on a server. */
export class RemoteMetrics implements Metrics {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  report: Metrics['report'] = (_actor, ref, request) => {
    const { origins, names, statistic, period, from, to, margin, refresh } = request;
    return this.#server.value(metricReportOfCapture, {
      params: { capture: ref },
      query: {
        ...said({ stat: statistic, period, from, to, margin }),
        ...(origins === null ? {} : { source: [...origins] }),
        ...(names.length === 0 ? {} : { metric: [...names] }),
        ...(refresh ? { refresh } : {}),
      },
    });
  };
}
