import type { Environment } from '../../core/environments/environment.ts';
import { isAppError } from '../../core/errors.ts';
import { findParameterGroup, type ParameterGroup } from './parameter-groups.ts';

/** What the recorder needs of a parameter group. */
const LOG_PARAMETERS = { general_log: '1', log_output: 'TABLE' } as const;

/** What a warm-up needs of one; the user knows the group. */
const SLOW_LOG_ON =
  'aws rds modify-db-parameter-group --db-parameter-group-name GROUP --parameters "ParameterName=slow_query_log,ParameterValue=1,ApplyMethod=immediate"';

/**
 * What to run so that an environment's instance can be recorded: its general log goes to its table. With what
 * is known of its parameter group, as comments: asks RDS which group that is; changes nothing. For a warm-up:
 * what switches its slow log on.
 */
export async function logSwitchCommands(
  environment: Environment,
  purpose: 'recording' | 'warm_up',
): Promise<readonly string[]> {
  if (purpose === 'warm_up') return [SLOW_LOG_ON];
  if (environment.instance === null) return switchingCommands(environment, null);
  try {
    const group = await findParameterGroup(environment);
    const pending =
      group.applyStatus === 'in-sync'
        ? []
        : [`# ${group.name} is ${group.applyStatus}: it may be on its way already`];
    return [...pending, ...switchingCommands(environment, group)];
  } catch (error) {
    if (!isAppError(error)) throw error;
    return [
      `# the group could not be looked up: ${error.message}`,
      ...switchingCommands(environment, null),
    ];
  }
}

/**
 * What to run so that the general log of an environment's instance goes to its table; nothing is run
 * by us. One line each, comments among them.
 * @param group null where AWS did not say which it is; then the first command asks.
 */
export function switchingCommands(
  environment: Environment,
  group: ParameterGroup | null,
): readonly string[] {
  const instance = environment.instance ?? 'INSTANCE';
  const where = [
    ...(environment.region === null ? [] : ['--region', environment.region]),
    ...(environment.profile === null ? [] : ['--profile', environment.profile]),
  ];
  const aws = (...words: string[]): string => ['aws rds', ...words, ...where].join(' ');
  const modify = (name: string): string =>
    aws(
      'modify-db-parameter-group',
      `--db-parameter-group-name ${name}`,
      '--parameters',
      ...Object.entries(LOG_PARAMETERS).map(
        ([parameter, value]) =>
          `ParameterName=${parameter},ParameterValue=${value},ApplyMethod=immediate`,
      ),
    );
  if (group === null) {
    return [
      '# which parameter group it has (one named default.* cannot be changed: make one of your own)',
      aws(
        'describe-db-instances',
        `--db-instance-identifier ${instance}`,
        "--query 'DBInstances[].DBParameterGroups[].DBParameterGroupName'",
      ),
      modify('GROUP'),
    ];
  }
  if (!group.isDefault) {
    const others = group.instances.filter((name) => name !== environment.instance);
    return [
      ...(others.length === 0
        ? []
        : [
            `# ${group.name} is shared: this also switches the log of ${listed(others)} on; a group of its own avoids that`,
          ]),
      modify(group.name),
    ];
  }
  const own = `${instance}-captures`;
  return [
    `# ${group.name} is AWS's own and cannot be changed; a new group takes effect after a reboot of the instance`,
    aws(
      'create-db-parameter-group',
      `--db-parameter-group-name ${own}`,
      `--db-parameter-group-family ${group.family ?? 'FAMILY'}`,
      "--description 'general log to its table'",
    ),
    modify(own),
    aws(
      'modify-db-instance',
      `--db-instance-identifier ${instance}`,
      `--db-parameter-group-name ${own}`,
      '--apply-immediately',
    ),
    aws('reboot-db-instance', `--db-instance-identifier ${instance}`),
  ];
}

const MOST_NAMED = 3;

function listed(names: readonly string[]): string {
  const named = names.slice(0, MOST_NAMED).join(', ');
  return names.length > MOST_NAMED ? `${named} and ${names.length - MOST_NAMED} more` : named;
}
