import { Wiring } from '../../wiring.ts';
import type { AllowedCredentials } from './credential-rules.ts';
import { OwnCredentials } from './own-credentials.ts';
import type { Paths } from './paths.ts';
import type { World } from './world.ts';

/** What the server of the API tells a process that answers one request. */
export interface RequestOfDaemon {
  readonly credentials: AllowedCredentials;
  readonly daemonPid: number;
}

/**
 * The store for a process that belongs to a daemon.
 * @param allowed what that may use.
 * @param pid the daemon's: while it is the active one, what its processes cannot read is left to nobody.
 */
export function wiringOfDaemon(
  world: World,
  paths: Paths,
  allowed: AllowedCredentials,
  pid: number,
): Wiring {
  const wiring: Wiring = new Wiring(
    world,
    paths,
    (server) => credentials.allow(server),
    async (server) => {
      const lease = wiring.store.lease.find();
      const isActive = lease?.pid === pid && lease.host === world.hostName;
      return !isActive && (await credentials.isLeftToDaemon(server));
    },
    () => credentials.confinement(),
  );
  const credentials = new OwnCredentials(world, paths, wiring, allowed);
  return wiring;
}
