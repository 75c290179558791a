import type { AllowServer } from '../../../core/environments/confinement.ts';
import { AppError } from '../../../core/errors.ts';
import type { ReplayTargets } from '../../../core/replays/target.ts';

/**
 * MySQL and MariaDB servers that records are replayed to.
 * @param allow restricts whom this process logs in as.
 */
export function mysqlTargets(allow: AllowServer): ReplayTargets {
  return {
    open: async (address) => {
      await allow(address);
      throw new AppError('remote_failed', 'No server is reached yet');
    },
  };
}
