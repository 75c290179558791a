import type { Environment } from '../../core/environments/environment.ts';
import { AppError } from '../../core/errors.ts';
import type { Hint } from '../../core/hints.ts';

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

/** Whether the SDK says no more than that no way led to credentials. */
export function isNoProviderFailure(error: unknown): boolean {
  return /^could not load credentials from any provider/i.test(partsOf(error).message);
}

/** Says in one sentence, with a hint, why AWS did not answer. */
export function asAwsFailure(error: unknown, attempt: AwsAttempt): AppError {
  if (error instanceof AppError) return error;
  const { service = 'CloudWatch' } = attempt;
  const [message, hint] = sentence(partsOf(error), attempt);
  const named = (text: string): string => text.replaceAll('CloudWatch', service);
  return new AppError('remote_failed', named(message), {
    hint: typeof hint === 'string' ? named(hint) : hint,
    cause: error,
  });
}

export function noSuchInstance(environment: Environment, region: string): AppError {
  const { name, instance } = environment;
  return new AppError(
    'remote_failed',
    `CloudWatch has no metrics of an RDS instance "${instance ?? ''}" in ${region}`,
    {
      hint: {
        code: 'check_instance',
        environment: name,
        more: 'An instance that was deleted is forgotten there after two weeks.',
      },
    },
  );
}

function sentence(error: AwsError, attempt: AwsAttempt): [message: string, hint: Hint | string] {
  const { name, code, message, status } = error;
  const environment = attempt.environment;
  const profile = environment.profile === null ? '' : ` (profile "${environment.profile}")`;
  if (/^Region is missing/.test(message)) {
    return [
      `The environment "${environment.name}" has no AWS region, and neither has the configuration`,
      { code: 'set_region', environment: environment.name },
    ];
  }
  if (EXPIRED.has(name) || /token.*expired|expired.*token|sso session.*expired/i.test(message)) {
    return [
      `The AWS credentials${profile} have expired`,
      `Log in again (${ssoLogin(environment)}, or a new session token), then repeat the command.`,
    ];
  }
  if (isCredentialsProblem(error)) return credentialsSentence(message, environment, profile);
  if (DENIED.has(name) || (status === 403 && name === 'Error')) {
    // To take on the role of a profile is an action as well.
    const action = /to perform: ([\w-]+:\w+)/.exec(message)?.[1] ?? attempt.action;
    return [
      `AWS denies ${action}${who(message)}`,
      `Ask for a policy with this action: {"Effect":"Allow","Action":"${action}","Resource":"*"}`,
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
    return ['CloudWatch keeps throttling requests after several retries', 'Try again in a minute.'];
  }
  return (
    networkSentence(error, attempt) ?? [
      `CloudWatch refused: ${oneLine(message === '' ? name || code : message)}`,
      status === null ? 'Nothing was stored.' : `It answered with HTTP status ${status}.`,
    ]
  );
}

function networkSentence(
  error: AwsError,
  attempt: AwsAttempt,
): [message: string, hint: Hint | string] | null {
  const { name, code, message, status } = error;
  const { environment } = attempt;
  const host = /(?:ENOTFOUND|EAI_AGAIN)\s+(\S+)/.exec(message)?.[1];
  if (
    name === 'SyntaxError' ||
    /Deserialization error|is not valid JSON|Unexpected token/.test(message)
  ) {
    return [
      'The endpoint is not an AWS service: it sent a page, not data',
      'A proxy or a login page of the network is in between, or the endpoint URL is wrong.',
    ];
  }
  if (code === 'ENOTFOUND') {
    return [
      `CloudWatch cannot be reached: there is no host ${host ?? 'of that name'}`,
      {
        code: 'see_environment',
        environment: environment.name,
        more: `Is the region right${environment.region === null ? '' : ` (${environment.region})`}, and is there a network?`,
      },
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
      `CloudWatch failed with HTTP status ${status}, also after several retries`,
      'Try again later.',
    ];
  }
  return null;
}

/** What keeps a profile from giving credentials, as the SDK says it, and what to do. */
const OBSTACLES: readonly (readonly [
  says: RegExp,
  reason: ((text: string) => string) | null,
  hint: (environment: Environment) => string,
])[] = [
  [
    /multi-factor|\bMFA\b/i,
    null,
    () =>
      'captures cannot ask for an MFA code. Get credentials that last (aws sts assume-role, aws sts get-session-token) and name a profile that has them.',
  ],
  [
    // The command may have a secret in it, and what it printed as well.
    /^Command failed/,
    () => 'its credential_process failed',
    () => 'Run the credential_process of the profile by hand: it must print JSON of Version 1.',
  ],
  [
    /credential_process/,
    null,
    () => 'Run the credential_process of the profile by hand: it must print JSON of Version 1.',
  ],
  [/\bSSO\b|sso login/i, null, (environment) => `Log in: ${ssoLogin(environment)}`],
  [
    /aws login|login\/cache/i,
    null,
    (environment) => `Log in: ${withProfile('aws login', environment)}`,
  ],
  [
    /cycle attempting/,
    null,
    () => 'Give one of these profiles credentials of its own instead of a source_profile.',
  ],
  [
    /^Could not resolve credentials using profile/,
    null,
    () =>
      'The profile is not there or has no credentials. To see which there are: aws configure list-profiles',
  ],
];

function credentialsSentence(
  message: string,
  environment: Environment,
  profile: string,
): [message: string, hint: string] {
  const nothing = `There are no AWS credentials${profile}`;
  const isUnset = /profile: \[default\]/.test(message) && environment.profile === null;
  if (isUnset || /^could not load credentials|credential is missing/i.test(message)) {
    return [
      nothing,
      'Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in: aws configure, aws sso login.',
    ];
  }
  const found = OBSTACLES.find(([says]) => says.test(message));
  const [, reason, hint] = found ?? [];
  // A parser quotes what it could not read, which may be a token.
  const text = oneLine(message).replace(
    /\s*(SyntaxError: )?Unexpected .*$/,
    ' it is not valid JSON',
  );
  return [
    `${nothing}: ${(reason ?? String)(text).replace(/\.$/, '')}`,
    hint?.(environment) ??
      `See what the AWS tools say: ${withProfile('aws sts get-caller-identity', environment)}`,
  ];
}

function ssoLogin(environment: Environment): string {
  return withProfile('aws sso login', environment);
}

function withProfile(command: string, { profile }: Environment): string {
  if (profile === null) return command;
  return `${command} --profile ${/^[\w.-]+$/.test(profile) ? profile : `'${profile}'`}`;
}

function isCredentialsProblem({ name, code, message }: AwsError): boolean {
  return (
    // A file that the profile names is not there.
    ['ENOENT', 'EACCES', 'EISDIR'].includes(code) ||
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
