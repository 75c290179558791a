import { AppError } from '../../core/errors.ts';
import type { MetricReport, MetricRequest } from '../../core/metrics/metric-service.ts';
import type { Context } from '../runtime/context.ts';

const WHOLE_WINDOW = { origins: ['provider', 'server'], from: null, to: null } as const;

/**
 * The metrics of a capture or replay beside something else that is shown; null where it has none. They are an
 * addition: where they cannot be had, that is a warning.
 * @param part of them: all of its window, if none is given.
 */
export async function extraMetrics(
  context: Context,
  ref: string,
  part: Pick<MetricRequest, 'origins' | 'from' | 'to'> = WHOLE_WINDOW,
): Promise<MetricReport | null> {
  const request = { ...part, names: [], statistic: null, period: null, margin: 0, refresh: false };
  try {
    return await context.api.metrics.report(await context.actor(), ref, request);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    // One without metrics is nothing to warn of.
    if (error.code !== 'not_found') await context.warn(`No metrics: ${error.message}`);
    return null;
  }
}
