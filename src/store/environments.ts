import type { Database } from 'better-sqlite3';
import { isWithin, type Role } from '../core/access.ts';
import type { Environment, ServerAddress } from '../core/environments/environment.ts';
import { AppError } from '../core/errors.ts';
import { nameKey } from '../core/names.ts';
import type { EnvironmentTable } from '../core/store.ts';
import { inserted, orNull, unlessTaken } from './database.ts';

interface Row extends Omit<Environment, 'server'> {
  server: string | null;
}

const COLUMNS =
  'id, name, server, region, instance, profile, endpoint_url AS endpointUrl, created_at AS createdAt';

function toEnvironment<T extends Row>(row: T): Omit<T, 'server'> & Pick<Environment, 'server'> {
  const server = row.server === null ? null : (JSON.parse(row.server) as ServerAddress);
  return { ...row, server };
}

export function environmentTable(db: Database): EnvironmentTable {
  const insert = db.prepare<[Record<string, unknown>], Row>(
    `INSERT INTO environments (name, name_key, server, region, instance, profile, endpoint_url, created_at)
     VALUES (@name, @nameKey, @server, @region, @instance, @profile, @endpointUrl, @now)
     RETURNING ${COLUMNS}`,
  );
  const find = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM environments WHERE id = ?`);
  const findByName = db.prepare<[string], Row>(
    `SELECT ${COLUMNS} FROM environments WHERE name_key = ?`,
  );
  const update = db.prepare<[Record<string, unknown>]>(
    `UPDATE environments SET name = @name, name_key = @nameKey, server = @server, region = @region,
       instance = @instance, profile = @profile, endpoint_url = @endpointUrl WHERE id = @id`,
  );
  const remove = db.prepare('DELETE FROM environments WHERE id = ?');
  const listFor = db.prepare<[number], Row & { role: Role }>(
    `SELECT ${COLUMNS}, role FROM environments
     JOIN members ON members.environment_id = environments.id AND members.user_id = ?
     ORDER BY name_key`,
  );
  /** @throws AppError `conflict` where another environment has the name. */
  function write<T>(
    environment: Pick<Environment, 'name' | 'server'>,
    how: (columns: Record<string, unknown>) => T,
  ): T {
    const { name, server } = environment;
    const columns = {
      ...environment,
      nameKey: nameKey(name),
      server: server === null ? null : JSON.stringify(server),
    };
    return unlessTaken(
      () => how(columns),
      () => nameTaken(name),
    );
  }
  return {
    insert: (environment, now) =>
      toEnvironment(write(environment, (columns) => inserted(insert, { ...columns, now }))),
    find: (id) => orNull(find.get(id), toEnvironment),
    findByName: (name) => orNull(findByName.get(nameKey(name)), toEnvironment),
    update: (environment) => void write(environment, (columns) => update.run(columns)),
    delete: (id) => void remove.run(id),
    listFor: ({ userId, scope }) =>
      listFor
        .all(userId)
        .filter(({ id }) => isWithin(scope, id))
        .map(toEnvironment),
  };
}

function nameTaken(name: string): AppError {
  // To everyone alike: names are unique in a store, and the environment may be one they are no member of.
  return new AppError('conflict', `The environment name "${name}" is taken`, {
    hint: { code: 'list_environments' },
  });
}
