import type { Connection, RowDataPacket } from 'mysql2/promise';
import {
  SHOP_SCHEMA,
  startLoad,
  tagsOf,
  type Load,
  type LoadOptions,
  type LoadReport,
} from '../../scripts/load-client.ts';
import type { StatementRecord } from '../../src/core/workloads/statements.ts';
import type { DatabaseServer, ServerOptions } from '../support/database-server.ts';
import { isInFull } from '../support/proportion.ts';
import { RECORDER_PASSWORD, startRecorderServer } from '../support/recorder-server.ts';
import type { Workplace } from './workplace.ts';

const APP_PASSWORD = 'sh0p';

/** A private server with a shop in it, an account that shops and one that records. */
export interface ShopServer extends DatabaseServer {
  readonly recorderPassword: string;
  query(sql: string): Promise<RowDataPacket[]>;
  startLoad(options?: Partial<LoadOptions>): Promise<Load>;
  /** Everything that a recorder changes on a server while it records. */
  settings(): Promise<Record<string, unknown>>;
}

export async function startShopServer(options: ServerOptions = {}): Promise<ShopServer> {
  const server = await startRecorderServer(options);
  const query = (sql: string): Promise<RowDataPacket[]> =>
    withAdmin(server, async (admin) => {
      const [rows] = await admin.query<RowDataPacket[]>(sql);
      return rows;
    });
  await withAdmin(server, async (admin) => {
    await admin.query(SHOP_SCHEMA);
    await admin.query('CREATE USER app@127.0.0.1 IDENTIFIED BY ?', [APP_PASSWORD]);
    await admin.query('GRANT ALL PRIVILEGES ON shop.* TO app@127.0.0.1');
  });
  return {
    ...server,
    recorderPassword: RECORDER_PASSWORD,
    query,
    startLoad: (load = {}) =>
      startLoad({
        port: server.port,
        user: 'app',
        password: APP_PASSWORD,
        database: 'shop',
        connections: 4,
        prefix: 'tag',
        statements: null,
        reconnectEvery: 500,
        // One that goes on until it is told to stop leaves the machine to what is tested.
        ...(load.statements == null ? { thinkMs: isInFull ? 10 : 40 } : {}),
        ...load,
      }),
    settings: () => withAdmin(server, settingsOf),
  };
}

async function withAdmin<T>(
  server: DatabaseServer,
  work: (admin: Connection) => Promise<T>,
): Promise<T> {
  const admin = await server.admin();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

async function settingsOf(admin: Connection): Promise<Record<string, unknown>> {
  const [[variables]] = await admin.query<RowDataPacket[]>(`
    SELECT @@GLOBAL.general_log AS generalLog, @@GLOBAL.log_output AS logOutput,
      @@GLOBAL.slow_query_log AS slowLog, IS_USED_LOCK('captures:tap') AS recorderLock`);
  const [[table]] = await admin.query<RowDataPacket[]>('SHOW CREATE TABLE mysql.general_log');
  const [rows] = await admin.query<RowDataPacket[]>('SELECT argument FROM mysql.general_log');
  const [schemas] = await admin.query<RowDataPacket[]>('SHOW DATABASES');
  return {
    ...variables,
    table: table?.['Create Table'] as string,
    rows: rows.map((row) => String(row['argument'])),
    schemas: schemas.map((row) => String(row['Database'])).sort(),
  };
}

/** The records of a capture, through the program. */
export async function recordsOf(place: Workplace, capture: string): Promise<StatementRecord[]> {
  const { stdout } = await place.given(['workload', capture]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StatementRecord);
}

/** The tags in records of statements, in their order, doubled ones too. */
export function tagsIn(records: readonly StatementRecord[], prefix = 'tag'): string[] {
  const pattern = new RegExp(`\\b${prefix}-\\d+-\\d+\\b`);
  return records
    .filter(({ kind }) => kind === 'query' || kind === 'execute')
    .flatMap(({ sql }) => pattern.exec(sql)?.[0] ?? []);
}

/** What is wrong with a record of a load that was wholly inside the capture's window. */
export function differences(
  records: readonly StatementRecord[],
  reports: readonly { readonly prefix: string; readonly report: LoadReport }[],
): { missing: string[]; doubled: string[]; unknown: string[]; outOfOrder: string[] } {
  const result = { missing: [], doubled: [], unknown: [], outOfOrder: [] } as {
    missing: string[];
    doubled: string[];
    unknown: string[];
    outOfOrder: string[];
  };
  for (const { prefix, report } of reports) {
    const expected = new Set(tagsOf(prefix, report));
    const seen = new Set<string>();
    const last = new Map<string, number>();
    for (const tag of tagsIn(records, prefix)) {
      if (seen.has(tag)) result.doubled.push(tag);
      else if (!expected.has(tag)) result.unknown.push(tag);
      seen.add(tag);
      const connection = tag.slice(0, tag.lastIndexOf('-'));
      const number = Number(tag.slice(tag.lastIndexOf('-') + 1));
      if (number <= (last.get(connection) ?? 0)) result.outOfOrder.push(tag);
      last.set(connection, number);
    }
    for (const tag of expected) if (!seen.has(tag)) result.missing.push(tag);
  }
  return result;
}

export const NO_DIFFERENCES = { missing: [], doubled: [], unknown: [], outOfOrder: [] };
