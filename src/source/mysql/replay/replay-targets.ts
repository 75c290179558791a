import type { AllowServer } from '../../../core/environments/confinement.ts';
import type { ReplayTargets } from '../../../core/replays/target.ts';
import { MysqlTarget } from './mysql-target.ts';

/**
 * MySQL and MariaDB servers that records are replayed to.
 * @param allow restricts whom this process logs in as.
 */
export function mysqlTargets(allow: AllowServer): ReplayTargets {
  return {
    open: (address, options, signal) => MysqlTarget.open(address, options, allow, signal),
  };
}
