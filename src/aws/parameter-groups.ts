import type { Environment } from '../core/environments.ts';
import { AppError } from '../core/errors.ts';
import type { ParameterGroup } from '../core/parameter-groups.ts';
import { asAwsFailure } from './failures.ts';
import { signedHeaders } from './signature.ts';

const ACTION = 'rds:DescribeDBInstances';
const VERSION = '2014-10-31';
const TIMEOUT_MS = 10_000;
// A page has 100 instances at most; an account has 40 unless it asked for more.
const MOST_PAGES = 20;

/**
 * Asks RDS which parameter group an environment's instance has, and which other instances have it.
 * Nothing is changed. Region, profile and endpoint are found as for CloudWatch, whose SDK also knows
 * where credentials are; `AWS_ENDPOINT_URL_RDS` leads to another RDS.
 * @throws AppError `remote_failed`; `invalid` where the environment names no instance.
 */
export async function findParameterGroup(environment: Environment): Promise<ParameterGroup> {
  const { instance } = environment;
  if (instance === null) {
    throw new AppError('invalid', `The environment "${environment.name}" names no RDS instance`);
  }
  try {
    const instances = await listInstances(environment);
    const own = instances.find(({ id }) => id === instance);
    const group = own?.groups[0];
    if (group === undefined) {
      throw new AppError('remote_failed', `RDS knows no instance "${instance}" there`, {
        hint: `Check both: captures env edit ${environment.name} --instance ID --region R.`,
      });
    }
    const family = /^default\.(.+)$/.exec(group.name)?.[1] ?? null;
    return {
      name: group.name,
      isDefault: family !== null,
      family,
      applyStatus: group.applyStatus,
      instances: instances
        .filter(({ groups }) => groups.some(({ name }) => name === group.name))
        .map(({ id }) => id),
    };
  } catch (error) {
    // What the network said lies one level down in what fetch throws.
    const said = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
    throw asAwsFailure(said, { action: ACTION, environment, service: 'RDS' });
  }
}

interface Instance {
  readonly id: string;
  readonly groups: readonly { readonly name: string; readonly applyStatus: string }[];
}

async function listInstances(environment: Environment): Promise<Instance[]> {
  const { region, profile } = environment;
  const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
  const client = new CloudWatchClient({
    ...(region === null ? {} : { region }),
    ...(profile === null ? {} : { profile }),
  });
  try {
    const keys = await client.config.credentials();
    const place = await client.config.region();
    const url = endpointOf(environment, place);
    const instances: Instance[] = [];
    let marker: string | null = null;
    for (let page = 0; page < MOST_PAGES; page++) {
      const form = new URLSearchParams({ Action: 'DescribeDBInstances', Version: VERSION });
      form.set('MaxRecords', '100');
      if (marker !== null) form.set('Marker', marker);
      const body = form.toString();
      const post = { url, body, region: place, service: 'rds' };
      const answer = await fetch(url, {
        method: 'POST',
        body,
        headers: signedHeaders(post, keys, new Date()),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const xml = await answer.text();
      if (!answer.ok) throw refusal(xml, answer.status);
      instances.push(...instancesIn(xml));
      marker = elementIn(xml, 'Marker');
      if (marker === null) break;
    }
    return instances;
  } finally {
    client.destroy();
  }
}

function endpointOf(environment: Environment, region: string): URL {
  const { AWS_ENDPOINT_URL_RDS: rds, AWS_ENDPOINT_URL: all } = process.env;
  const known = [rds, environment.endpointUrl, all].find((url) => url != null && url !== '');
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return new URL(known ?? `https://rds.${region}.${suffix}/`);
}

/** What the SDK would have made of an error's answer: `failures.ts` reads the name. */
function refusal(xml: string, status: number): Error {
  const message = elementIn(xml, 'Message') ?? `HTTP status ${status}`;
  return Object.assign(new Error(message), {
    name: elementIn(xml, 'Code') ?? 'Error',
    $metadata: { httpStatusCode: status },
  });
}

/** The instances in an answer (https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBInstance.html). */
function instancesIn(xml: string): Instance[] {
  return Array.from(xml.matchAll(/<DBInstance>(.*?)<\/DBInstance>/gs), ([, text = '']) => ({
    id: elementIn(text, 'DBInstanceIdentifier') ?? '',
    groups: Array.from(
      text.matchAll(/<DBParameterGroup>(.*?)<\/DBParameterGroup>/gs),
      ([, group = '']) => ({
        name: elementIn(group, 'DBParameterGroupName') ?? '',
        applyStatus: elementIn(group, 'ParameterApplyStatus') ?? 'unknown',
      }),
    ),
  }));
}

/** The text of the first element of a name; null where there is none. */
function elementIn(xml: string, name: string): string | null {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  if (text === undefined || text === '') return null;
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
