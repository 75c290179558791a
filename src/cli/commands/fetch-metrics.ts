import { AppError } from '../../core/errors.ts';
import type { Environment } from '../../core/environments/environment.ts';
import type { MetricQuery, TimeWindow } from '../../core/metrics/metric-source.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';

// The daemon's requests have a few KiB.
const LONGEST_REQUEST_BYTES = 16 * 1024 * 1024;

/** What the daemon asks its child for, as one line of JSON on stdin. */
export interface FetchRequest {
  readonly environment: Environment;
  readonly queries: readonly MetricQuery[];
  readonly window: TimeWindow;
  readonly period: number;
}

export const command = defineCommand<object>({
  help: `For the daemon: reads one line of JSON, asks CloudWatch, prints its points. To see metrics use:
captures metrics CAPTURE

Examples:
  captures fetch-metrics --json < request.json

JSON fields: tracks, incomplete`,
  prints: null,
  run,
});

/**
 * Runs in the daemon's child: reads a request from stdin, asks CloudWatch and prints the answer as JSON.
 * Opens no store and needs no login.
 */
async function run(_options: object, context: Context): Promise<void> {
  const { stdin, stdout, signals } = context.world;
  const line = stdin.isTTY
    ? null
    : await stdin.readFirstLine(signals.interrupted, LONGEST_REQUEST_BYTES);
  const request = line === null ? null : readRequest(line);
  if (request === null) {
    throw new AppError('invalid', 'This is for the daemon; to see metrics: captures metrics');
  }
  const { environment, queries, window, period } = request;
  const source = await context.wiring.openMetricSource(environment);
  try {
    await stdout.write(JSON.stringify(await source.fetch(queries, window, period)));
  } finally {
    source.close();
  }
}

/** null for what no daemon writes: a user tries the command by hand. */
function readRequest(line: string): FetchRequest | null {
  try {
    const request = JSON.parse(line) as Partial<FetchRequest> | null;
    const isWhole =
      Array.isArray(request?.queries) &&
      typeof request.environment === 'object' &&
      typeof request.window === 'object' &&
      typeof request.period === 'number';
    return isWhole ? (request as FetchRequest) : null;
  } catch {
    return null;
  }
}
