import type { Environment } from '../../core/environments/environment.ts';
import type { AppError } from '../../core/errors.ts';
import { asAwsFailure, isNoProviderFailure, type AwsAttempt } from './failures.ts';

/** What the SDK's chain says of the ways to credentials that nobody took. */
const NOT_TRIED =
  /^(AWS_PROFILE is set|Skipping SSO provider|Web identity configuration not specified|EC2 (Instance )?Metadata|AWS_EC2_METADATA|Unable to find environment variable|Could not load credentials from any|Profile .+ did not contain credential_process|Profile .+ could not be found in shared)/;

/**
 * As `asAwsFailure`, with the reason why there are no credentials. The SDK's chain goes on after a
 * profile that fails and throws one sentence for everything; its reasons go to a logger alone.
 */
export async function explainAwsFailure(error: unknown, attempt: AwsAttempt): Promise<AppError> {
  if (!isNoProviderFailure(error)) return asAwsFailure(error, attempt);
  const reason = await firstReason(attempt.environment);
  return asAwsFailure(reason === null ? error : asCredentialsError(reason, error), attempt);
}

function asCredentialsError(message: string, cause: unknown): Error {
  return Object.assign(new Error(message, { cause }), { name: 'CredentialsProviderError' });
}

/** Looks for credentials once more, and listens; what comes after the first reason is not waited for. */
async function firstReason({ profile }: Environment): Promise<string | null> {
  const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const listen = (message: unknown): void => {
    const text = /^@smithy\/property-provider (?:->|\(!\)) ([^]+)$/.exec(String(message))?.[1];
    if (text !== undefined && !NOT_TRIED.test(text)) resolve(text);
  };
  // No region is asked for: the credentials are the same everywhere.
  const client = new CloudWatchClient({
    region: 'us-east-1',
    ...(profile === null ? {} : { profile }),
    logger: { trace: listen, debug: listen, info: listen, warn: listen, error: listen },
  });
  client.config.credentials().then(
    () => resolve(null),
    () => resolve(null),
  );
  try {
    return await promise;
  } finally {
    client.destroy();
  }
}
