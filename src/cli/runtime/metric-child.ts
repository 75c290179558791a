import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import type { Environment } from '../../core/environments/environment.ts';
import { AppError } from '../../core/errors.ts';
import type {
  MetricAnswer,
  MetricProvider,
  MetricQuery,
  MetricSource,
  TimeWindow,
} from '../../core/metrics/metric-source.ts';
import type { FetchRequest } from '../commands/fetch-metrics.ts';
import { PACKAGE_FOLDER } from '../../package.ts';
import { metricProvider } from '../../wiring.ts';

const PROGRAM = join(PACKAGE_FOLDER, 'bin/captures.js');

/** For a daemon, whose memory must not grow. */
export function metricProviderInChild(): Promise<MetricProvider> {
  return metricProvider((environment, signal) =>
    Promise.resolve(childMetricSource(environment, signal)),
  );
}

/**
 * CloudWatch, queried by a child process: the SDK and a day of points take 50 MB, which are freed only when
 * the process ends; a recorder beside a database should not grow by them.
 * @param signal aborted: the child is ended and the fetch fails at once.
 */
export function childMetricSource(environment: Environment, signal?: AbortSignal): MetricSource {
  return {
    fetch: (queries, window, period) => ask({ environment, queries, window, period }, signal),
    close: () => undefined,
  };
}

async function ask(
  request: FetchRequest & { queries: readonly MetricQuery[]; window: TimeWindow },
  signal: AbortSignal | undefined,
): Promise<MetricAnswer> {
  const child = spawn(process.execPath, [PROGRAM, 'fetch-metrics', '--json'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: process.env,
    ...(signal === undefined ? {} : { signal }),
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // A child that ended before it read is reported by its status.
  child.stdin.on('error', () => undefined);
  child.stdin.end(`${JSON.stringify(request)}\n`);
  try {
    const [status, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
    if (status === 0) return JSON.parse(out) as MetricAnswer;
    throw failureOf(err, status);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('remote_failed', 'CloudWatch could not be queried', { cause: error });
  }
}

/** The child's failure, which is one object of JSON on its stderr. */
function failureOf(stderr: string, status: number | null): AppError {
  const line = stderr.split('\n').find((one) => one.startsWith('{"code":'));
  if (line === undefined) {
    return new AppError(
      'remote_failed',
      `CloudWatch could not be queried (exit ${status ?? '?'})`,
      {
        hint: "See the daemon's log.",
      },
    );
  }
  const { message, hint } = JSON.parse(line) as { message: string; hint?: string };
  return new AppError('remote_failed', message, { hint: hint ?? null });
}
