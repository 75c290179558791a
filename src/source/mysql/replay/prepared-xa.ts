import type { PreparedTransaction } from '../../../core/replays/target.ts';
import { literalBytes } from '../../../sql/literal-bytes.ts';
import type { MysqlConnection } from '../connection/mysql-connection.ts';

/**
 * What `XA RECOVER` lists. In MySQL that takes XA_RECOVER_ADMIN
 * (https://dev.mysql.com/doc/refman/9.7/en/xa-statements.html); MariaDB words the names as they are written
 * (https://mariadb.com/kb/en/xa-transactions/).
 * @throws AppError `remote_failed`.
 */
export async function readPrepared(
  control: MysqlConnection,
  flavor: string,
): Promise<PreparedTransaction[]> {
  const isMariadb = flavor === 'mariadb';
  const rows = await control.rows(`XA RECOVER ${isMariadb ? "FORMAT='SQL'" : 'CONVERT XID'}`);
  return rows.flatMap(([format, length, , data]) => {
    if (data == null) return [];
    if (isMariadb) return [{ id: data, name: literalBytes(data).join('') }];
    const name = data.replace(/^0x/i, '').toLowerCase();
    const [first, second] = [name.slice(0, 2 * Number(length)), name.slice(2 * Number(length))];
    return [{ id: `X'${first}',X'${second}',${format}`, name }];
  });
}
