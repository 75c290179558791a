import type { Api } from '../../core/api.ts';
import { AppError } from '../../core/errors.ts';

type Recovery = Api['recovery'];

/**
 * `RecoveryService` on a server: its daemon restores servers by itself. What is done in its place, while it does
 * not run, or what writes a lost recorder's statements into a folder, is done on its machine.
 */
export class RemoteRecovery implements Recovery {
  check: Recovery['check'] = () => {
    throw notHere();
  };

  restore: Recovery['restore'] = () => {
    throw notHere();
  };

  checkForgetting: Recovery['checkForgetting'] = () => Promise.reject(notHere());

  forget: Recovery['forget'] = () => Promise.reject(notHere());
}

function notHere(): AppError {
  return new AppError('invalid', 'Servers are recovered only on the machine where the store is', {
    hint: 'Its daemon restores them by itself. Where it cannot, recover them on that machine.',
  });
}
