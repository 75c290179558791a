import type { PrivilegeNeed, ServerInspection } from '../../core/environments/server-inspection.ts';
import type { JsonObject } from './column.ts';

type Server = ServerInspection['server'];

/** `mariadb 10.11.6 at db1:3306`. @param place what it is called, if not by what it calls itself. */
export function serverText(
  server: Pick<Server, 'flavor' | 'version' | 'hostname' | 'port'>,
  place = `${server.hostname}:${server.port}`,
): string {
  return `${server.flavor} ${server.version} at ${place}`;
}

export function serverJson({ flavor, version, hostname, port, uuid }: Server): JsonObject {
  return { flavor, version, hostname, port, uuid };
}

/** Whether the account lacks a larger privilege that includes this one: its GRANT is enough. */
export function isIncluded(
  { privilege, required }: PrivilegeNeed,
  { privileges }: Pick<ServerInspection, 'privileges'>,
): boolean {
  const scope = privilege.slice(privilege.indexOf(' on '));
  return (
    !required &&
    privileges.some(
      (other) => other.state === 'missing' && other.privilege === `ALL PRIVILEGES${scope}`,
    )
  );
}

export function privilegesJson({ privileges }: Pick<ServerInspection, 'privileges'>): JsonObject[] {
  return privileges.map(({ privilege, purpose, state, required, grant }) => ({
    privilege,
    purpose,
    state,
    required,
    grant,
  }));
}

/** Who records there now; null for nobody. */
export function lockHolderJson(
  { lockHolder }: Pick<ServerInspection, 'lockHolder'>,
  isOurs: boolean,
): JsonObject | null {
  if (lockHolder === null) return null;
  const { connectionId, user, host } = lockHolder;
  return { connectionId, user, host, ours: isOurs };
}

/** `recorder from 10.0.0.7 (our own daemon)`; null for nobody. */
export function lockHolderText(
  { lockHolder }: Pick<ServerInspection, 'lockHolder'>,
  isOurs: boolean,
): string | null {
  if (lockHolder === null) return null;
  const { user, host } = lockHolder;
  return `${user ?? 'unknown'} from ${host ?? 'unknown'}${isOurs ? ' (our own daemon)' : ''}`;
}
