import type { ServerFamily } from '../../scripts/server-programs.ts';

/** What the recorder's account needs, and no more: as docs/servers.md has it. */
export function recorderGrants(family: ServerFamily, account: string): string[] {
  const global =
    family === 'mariadb'
      ? 'SUPER, BINLOG ADMIN, PROCESS'
      : 'SYSTEM_VARIABLES_ADMIN, CONNECTION_ADMIN, PROCESS';
  return [
    `GRANT ${global} ON *.* TO ${account}`,
    `GRANT SELECT, INSERT, CREATE, DROP, ALTER ON mysql.general_log TO ${account}`,
    `GRANT ALL PRIVILEGES ON captures.* TO ${account}`,
    `GRANT SELECT, INSERT, CREATE, DROP, ALTER ON sys.captures_swap TO ${account}`,
    ...(family === 'mysql' ? [`GRANT SELECT ON performance_schema.* TO ${account}`] : []),
  ];
}
