import type { Environment } from './environment.ts';

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

/**
 * Asks which parameter groups an environment's instance has.
 * @throws AppError `remote_failed` where AWS does not say, `invalid` where no instance is named.
 */
export type FindParameterGroup = (environment: Environment) => Promise<ParameterGroup>;

/** What the recorder needs of a parameter group. */
const LOG_PARAMETERS = { general_log: '1', log_output: 'TABLE' } as const;

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
