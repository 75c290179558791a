import { createHash, createHmac } from 'node:crypto';

/** Keys of an account or of a role; a role's come with a session token. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignedPost {
  readonly url: URL;
  readonly body: string;
  readonly region: string;
  readonly service: string;
}

const FORM = 'application/x-www-form-urlencoded; charset=utf-8';
const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * The headers of a POST to an AWS service, signed
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). RDS speaks the Query
 * protocol: a form goes there, XML comes back; its SDK is 12 MB for one request.
 */
export function signedHeaders(post: SignedPost, keys: AwsKeys, now: Date): Record<string, string> {
  const { url, body, region, service } = post;
  const time = now.toISOString().replaceAll(/[-:]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    'content-type': FORM,
    host: url.host,
    'x-amz-date': time,
    ...(keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const signed = names.join(';');
  const request = [
    'POST',
    url.pathname,
    '',
    ...names.map((name) => `${name}:${headers[name] ?? ''}`),
    '',
    signed,
    hash(body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = [ALGORITHM, time, scope, hash(request)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${keys.secretAccessKey}`,
  );
  const signature = createHmac('sha256', key).update(text).digest('hex');
  return {
    ...headers,
    authorization: `${ALGORITHM} Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  };
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
