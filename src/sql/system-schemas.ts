import type { StatementRefusal } from './statement-nature.ts';
import { wordSet } from './words.ts';

/** The schemas of the server, and that of our own recorder. */
export const SYSTEM_SCHEMAS = wordSet('mysql sys performance_schema captures');

/** Why a table of the server's own, or of our recorder, is not changed; null for any other. */
export function systemTableRefusal(table: string, verb: string): StatementRefusal | null {
  if (/^mysql\.(?:general|slow)_log/.test(table)) return 'recorder';
  const dot = table.indexOf('.');
  if (dot === -1) return null;
  return verb === 'CALL' ? 'server' : schemaRefusal(table.slice(0, dot));
}

/** Why nothing in a database is changed; null for any that is not the server's own. */
export function schemaRefusal(database: string): StatementRefusal | null {
  const name = database.toLowerCase();
  if (!SYSTEM_SCHEMAS.has(name)) return null;
  if (name === 'captures') return 'recorder';
  return name === 'mysql' ? 'accounts' : 'server';
}
