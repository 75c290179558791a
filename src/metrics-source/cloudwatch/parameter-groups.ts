import type { Environment } from '../../core/environments/environment.ts';
import { AppError } from '../../core/errors.ts';
import { explainAwsFailure } from './missing-credentials.ts';

/** A parameter group of RDS, as far as it says how to switch a log on. */
export interface ParameterGroup {
  readonly name: string;
  /** Whether it is one of AWS's own, which nobody can change. */
  readonly isDefault: boolean;
  /** What a new group for the same engine is made of, for example `mysql8.0`; null where unknown. */
  readonly family: string | null;
  /** As RDS says it: `in-sync`, `applying`, `pending-reboot`. */
  readonly applyStatus: string;
  /** Identifiers of every instance that has it, as far as one may see them; the one asked for too. */
  readonly instances: readonly string[];
}

const ACTION = 'rds:DescribeDBInstances';
const TIMEOUT_MS = 10_000;
const LARGEST_PAGE = 100;

/**
 * Asks RDS which parameter group an environment's instance has, and which other instances have it.
 * Nothing is changed. Region, profile and credentials are found as for CloudWatch; `AWS_ENDPOINT_URL_RDS`
 * leads to another RDS.
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
        hint: { code: 'check_instance', environment: environment.name, more: null },
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
    throw await explainAwsFailure(error, { action: ACTION, environment, service: 'RDS' });
  }
}

interface Instance {
  readonly id: string;
  readonly groups: readonly { readonly name: string; readonly applyStatus: string }[];
}

async function listInstances(environment: Environment): Promise<Instance[]> {
  const { region, profile, endpointUrl } = environment;
  const { RDSClient, paginateDescribeDBInstances } = await import('@aws-sdk/client-rds');
  // The variable is about RDS alone, the environment's address about all of AWS.
  const isElsewhere = (process.env['AWS_ENDPOINT_URL_RDS'] ?? '') !== '';
  const client = new RDSClient({
    ...(region === null ? {} : { region }),
    ...(profile === null ? {} : { profile }),
    ...(endpointUrl === null || isElsewhere ? {} : { endpoint: endpointUrl }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: TIMEOUT_MS,
      requestTimeout: TIMEOUT_MS,
      // Without it the SDK only logs a warning and goes on waiting.
      throwOnRequestTimeout: true,
    },
  });
  try {
    const instances: Instance[] = [];
    const pages = paginateDescribeDBInstances({ client, pageSize: LARGEST_PAGE }, {});
    for await (const { DBInstances = [] } of pages) {
      for (const { DBInstanceIdentifier: id = '', DBParameterGroups: groups = [] } of DBInstances) {
        instances.push({
          id,
          groups: groups.map(({ DBParameterGroupName, ParameterApplyStatus }) => ({
            name: DBParameterGroupName ?? '',
            applyStatus: ParameterApplyStatus ?? 'unknown',
          })),
        });
      }
    }
    return instances;
  } finally {
    client.destroy();
  }
}
