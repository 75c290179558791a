import { AppError } from '../../core/errors.ts';
import type { MetricProvider, OpenMetricSource } from '../../core/metrics/metric-source.ts';
import { CLOUDWATCH_METRICS, describeCloudWatchMetric } from './catalogue.ts';
import { choosePeriod } from './limits.ts';

/** CloudWatch as the provider of metrics of RDS instances. @param open reaches it. */
export function cloudWatchProvider(open: OpenMetricSource): MetricProvider {
  return {
    name: 'CloudWatch',
    metrics: CLOUDWATCH_METRICS,
    // RDS publishes once a minute.
    publishedEveryMs: 60_000,
    // Points arrive one to three minutes late (measured by others, not promised by AWS).
    settleMs: 4 * 60_000,
    // Any metric of AWS/RDS can be asked for by name; CloudWatch knows whether there is one.
    describe: (label) =>
      /^[A-Za-z][A-Za-z0-9_%]*$/.test(label) ? describeCloudWatchMetric(label) : null,
    whyNone: ({ name, instance }) =>
      instance === null
        ? new AppError(
            'not_found',
            `There are no CloudWatch metrics: the environment "${name}" names no RDS instance`,
            { hint: { code: 'set_instance', environment: name } },
          )
        : null,
    choosePeriod,
    open,
    async checkAccess(environment) {
      const { findAwsCredentials } = await import('./aws-credentials.ts');
      const { region, accessKeyId } = await findAwsCredentials(environment);
      return `AWS credentials found for CloudWatch in ${region} (access key ${accessKeyId})`;
    },
  };
}
