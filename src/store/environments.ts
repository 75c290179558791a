import type { Database } from 'better-sqlite3';
import type { Role } from '../core/access.ts';
import type { Environment, ServerAddress } from '../core/environments/environment.ts';
import { AppError } from '../core/errors.ts';
import { nameKey } from '../core/names.ts';
import type { EnvironmentTable } from '../core/store.ts';
import { isUniqueViolation, returned } from './database.ts';

interface Row {
  id: number;
  name: string;
  server: string | null;
  region: string | null;
  instance: string | null;
  profile: string | null;
  endpoint_url: string | null;
  created_at: number;
}

const COLUMNS = 'id, name, server, region, instance, profile, endpoint_url, created_at';

function toEnvironment(row: Row): Environment {
  return {
    id: row.id,
    name: row.name,
    server: row.server === null ? null : (JSON.parse(row.server) as ServerAddress),
    region: row.region,
    instance: row.instance,
    profile: row.profile,
    endpointUrl: row.endpoint_url,
    createdAt: row.created_at,
  };
}

export function environmentTable(db: Database): EnvironmentTable {
  const insert = db.prepare<
    [
      string,
      string,
      string | null,
      string | null,
      string | null,
      string | null,
      string | null,
      number,
    ],
    Row
  >(
    `INSERT INTO environments (name, name_key, server, region, instance, profile, endpoint_url, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING ${COLUMNS}`,
  );
  const find = db.prepare<[number], Row>(`SELECT ${COLUMNS} FROM environments WHERE id = ?`);
  const findByName = db.prepare<[string], Row>(
    `SELECT ${COLUMNS} FROM environments WHERE name_key = ?`,
  );
  const update = db.prepare(
    `UPDATE environments SET name = ?, name_key = ?, server = ?, region = ?, instance = ?, profile = ?,
       endpoint_url = ? WHERE id = ?`,
  );
  const remove = db.prepare('DELETE FROM environments WHERE id = ?');
  const listFor = db.prepare<[number], Row & { role: Role }>(
    `SELECT ${COLUMNS}, role FROM environments
     JOIN members ON members.environment_id = environments.id AND members.user_id = ?
     ORDER BY name_key`,
  );
  return {
    insert(environment, now) {
      const { name, server, region, instance, profile, endpointUrl } = environment;
      try {
        const row = returned(
          insert,
          name,
          nameKey(name),
          server === null ? null : JSON.stringify(server),
          region,
          instance,
          profile,
          endpointUrl,
          now,
        );
        if (row === undefined) throw new Error('INSERT … RETURNING gave no row');
        return toEnvironment(row);
      } catch (error) {
        throw isUniqueViolation(error) ? nameTaken(name) : error;
      }
    },
    find(id) {
      const row = find.get(id);
      return row === undefined ? null : toEnvironment(row);
    },
    findByName(name) {
      const row = findByName.get(nameKey(name));
      return row === undefined ? null : toEnvironment(row);
    },
    update({ id, name, server, region, instance, profile, endpointUrl }) {
      try {
        const address = server === null ? null : JSON.stringify(server);
        update.run(name, nameKey(name), address, region, instance, profile, endpointUrl, id);
      } catch (error) {
        throw isUniqueViolation(error) ? nameTaken(name) : error;
      }
    },
    delete: (id) => void remove.run(id),
    listFor(userId) {
      return listFor.all(userId).map((row) => ({ ...toEnvironment(row), role: row.role }));
    },
  };
}

function nameTaken(name: string): AppError {
  // To everyone alike: names are unique in a store, and the environment may be one they are no member of.
  return new AppError('conflict', `The environment name "${name}" is taken`, {
    hint: 'Names of environments are unique in a store. To see yours: captures env list',
  });
}
