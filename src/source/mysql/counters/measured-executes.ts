/**
 * Whether a server's own counts of statements by digest hold executes of prepared statements. MariaDB's have
 * no row of an execute in the binary protocol (tried on 10.11), MySQL's count them as the statement (9.7).
 */
export function measuresExecutes(flavor: string): boolean {
  return flavor !== 'mariadb';
}
