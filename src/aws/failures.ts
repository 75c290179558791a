import type { Environment } from '../core/environments.ts';
import { AppError } from '../core/errors.ts';

/** What was tried when AWS refused. */
export interface AwsAttempt {
  /** As policies spell it, for example `cloudwatch:GetMetricData`. */
  readonly action: string;
  readonly environment: Environment;
  /** What was asked, as people call it; CloudWatch where it is left out. */
  readonly service?: string;
}

const THROTTLED = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'LimitExceededException',
  'SlowDown',
]);
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'RequestExpired']);
const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'NotAuthorized',
  'AuthorizationError',
]);
const UNKNOWN_KEY = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidAccessKeyId',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'OptInRequired',
]);
const BAD_SIGNATURE = new Set([
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'AuthFailure',
]);
/** What a network says that may work a moment later. */
const PASSING_NETWORK = new Set(['ECONNRESET', 'EPIPE', 'EAI_AGAIN', 'ECONNABORTED']);

interface AwsError {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  /** HTTP status of the answer; null where there was none. */
  readonly status: number | null;
}

/** The parts of whatever the SDK threw that say something; it has no one class for its errors. */
function partsOf(error: unknown): AwsError {
  if (!(error instanceof Error)) {
    return { name: '', code: '', message: String(error), status: null };
  }
  const fields = error as Error & {
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
    errors?: unknown[];
  };
  // A host with several addresses that all refuse is an AggregateError without a message.
  const [first] = fields.errors ?? [];
  if (fields.message === '' && first !== undefined) return partsOf(first);
  return {
    name: error.name,
    code: typeof fields.code === 'string' ? fields.code : '',
    message: error.message,
    status: fields.$metadata?.httpStatusCode ?? fields.$response?.statusCode ?? null,
  };
}

/** Whether it makes sense to ask again after a pause. */
export function isPassing(error: unknown): boolean {
  const { name, code, status } = partsOf(error);
  if (name === 'SyntaxError') return false;
  return (
    THROTTLED.has(name) ||
    PASSING_NETWORK.has(code) ||
    (status !== null && (status >= 500 || status === 429))
  );
}

/** Says in one sentence, with a hint, why AWS did not answer. */
export function asAwsFailure(error: unknown, attempt: AwsAttempt): AppError {
  if (error instanceof AppError) return error;
  const { service = 'CloudWatch' } = attempt;
  const [message, hint] = sentence(partsOf(error), attempt).map((text) =>
    text.replaceAll('CloudWatch', service),
  );
  return new AppError('remote_failed', message ?? '', { hint: hint ?? null, cause: error });
}

export function noSuchInstance(environment: Environment, region: string): AppError {
  const { name, instance } = environment;
  return new AppError(
    'remote_failed',
    `CloudWatch has no metrics of an RDS instance "${instance ?? ''}" in ${region}`,
    {
      hint: `Check both: captures env edit ${name} --instance ID --region R. An instance that was deleted is forgotten there after two weeks.`,
    },
  );
}

function sentence(error: AwsError, attempt: AwsAttempt): [message: string, hint: string] {
  const { name, code, message, status } = error;
  const environment = attempt.environment;
  const profile = environment.profile === null ? '' : ` (profile "${environment.profile}")`;
  if (/^Region is missing/.test(message)) {
    return [
      `The environment "${environment.name}" says no AWS region, and nothing else does`,
      `Set it: captures env edit ${environment.name} --region R (or AWS_REGION)`,
    ];
  }
  if (EXPIRED.has(name) || /token.*expired|expired.*token|sso session.*expired/i.test(message)) {
    return [
      `The AWS credentials${profile} have expired`,
      'Log in again (aws sso login, or a new session token), then repeat the command.',
    ];
  }
  if (isCredentialsProblem(name, message)) {
    return [
      `There are no AWS credentials${profile}`,
      'Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: aws configure, aws sso login.',
    ];
  }
  if (DENIED.has(name) || (status === 403 && name === 'Error')) {
    return [
      `AWS denies ${attempt.action}${who(message)}`,
      `Ask for a policy with this action: {"Effect":"Allow","Action":"${attempt.action}","Resource":"*"}`,
    ];
  }
  if (UNKNOWN_KEY.has(name)) {
    return [
      `AWS does not know these credentials${profile}`,
      'The access key is wrong or deleted, its session token is missing, or the region is not enabled for the account.',
    ];
  }
  if (BAD_SIGNATURE.has(name)) {
    return [
      `AWS refuses the signature of the request${profile}`,
      "The secret access key is wrong, or this machine's clock is.",
    ];
  }
  if (THROTTLED.has(name) || status === 429) {
    return [
      'CloudWatch is throttling requests, also after several pauses',
      'Try again in a minute.',
    ];
  }
  return (
    networkSentence(error, attempt) ?? [
      `CloudWatch refused: ${oneLine(message === '' ? name || code : message)}`,
      status === null ? 'Nothing was stored.' : `It answered with HTTP status ${status}.`,
    ]
  );
}

function networkSentence(error: AwsError, attempt: AwsAttempt): [string, string] | null {
  const { name, code, message, status } = error;
  const { environment } = attempt;
  const host = /(?:ENOTFOUND|EAI_AGAIN)\s+(\S+)/.exec(message)?.[1];
  if (
    name === 'SyntaxError' ||
    /Deserialization error|is not valid JSON|Unexpected token/.test(message)
  ) {
    return [
      'What answers in the place of CloudWatch is no AWS service: it sent a page, not data',
      'A proxy or a login page of the network is in between, or the endpoint URL is wrong.',
    ];
  }
  if (code === 'ENOTFOUND') {
    return [
      `CloudWatch cannot be reached: there is no host ${host ?? 'of that name'}`,
      `Is the region right${environment.region === null ? '' : ` (${environment.region})`}, and is there a network? See: captures env get ${environment.name}`,
    ];
  }
  if (name === 'TimeoutError' || name === 'AbortError' || code === 'ETIMEDOUT') {
    return [
      'CloudWatch did not answer in time',
      'Check the network, and HTTPS_PROXY where there is a proxy.',
    ];
  }
  if (/^(CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(code)) {
    return [
      `The certificate that CloudWatch's host shows is not trusted (${code})`,
      'A proxy may be in between; give its authority with NODE_EXTRA_CA_CERTS.',
    ];
  }
  if (code !== '' && status === null) {
    return [
      `CloudWatch cannot be reached: ${oneLine(message || code)}`,
      'Check the network, the endpoint URL, and HTTPS_PROXY where there is a proxy.',
    ];
  }
  if (status !== null && status >= 500) {
    return [
      `CloudWatch failed with HTTP status ${status}, also after several pauses`,
      'Try again later.',
    ];
  }
  return null;
}

function isCredentialsProblem(name: string, message: string): boolean {
  return (
    name === 'CredentialsProviderError' ||
    name === 'TokenProviderError' ||
    /could not load credentials|credential is missing|resolved credential object is not valid/i.test(
      message,
    )
  );
}

/** `User: arn:aws:iam::1:user/x is not authorized …` → ` to arn:aws:iam::1:user/x`. */
function who(message: string): string {
  const arn = /\barn:aws[\w-]*:(?:iam|sts)::\S+/.exec(message)?.[0];
  return arn === undefined ? '' : ` to ${arn}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
}
