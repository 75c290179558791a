import type { Environment } from '../../core/environments/environment.ts';
import { explainAwsFailure } from './missing-credentials.ts';

interface AwsIdentity {
  readonly region: string;
  /** The id of the access key, which is no secret. */
  readonly accessKeyId: string;
}

/**
 * Finds region and credentials as the metrics of an environment would: nothing is asked of AWS but, where
 * it is they that come from there, the credentials of a role.
 * @throws AppError `remote_failed` that says what is missing and what to do.
 */
export async function findAwsCredentials(environment: Environment): Promise<AwsIdentity> {
  const { region, profile } = environment;
  const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
  const client = new CloudWatchClient({
    ...(region === null ? {} : { region }),
    ...(profile === null ? {} : { profile }),
  });
  try {
    const found = await client.config.region();
    const { accessKeyId } = await client.config.credentials();
    return { region: found, accessKeyId };
  } catch (error) {
    throw await explainAwsFailure(error, { action: 'cloudwatch:GetMetricData', environment });
  } finally {
    client.destroy();
  }
}
