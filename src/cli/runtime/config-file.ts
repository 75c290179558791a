import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, isAppError } from '../../core/errors.ts';
import { isTimeZone } from '../../core/time-zones.ts';
import { findPaths } from './paths.ts';
import type { World } from './world.ts';

const FILE = 'config.json';

/** What a config file can say, and the variable that each setting is the default of. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  output: ['table', 'json', 'csv', 'tsv', 'yaml', 'name'],
  color: ['always', 'never'],
};
const TIME_ZONE = 'timezone';

/**
 * The machine with the defaults of this user's `config.json`; options and environment variables win. The
 * file is in the folder of the session.
 * @throws AppError `store_unusable` for a file that cannot be read or is not valid.
 */
export function withDefaults(world: World): World {
  const path = configFile(world);
  const config = path === null ? null : readConfig(path);
  if (config === null) return world;
  const { output, color, timezone } = config;
  const { env } = world;
  const isColorSaid = ['NO_COLOR', 'FORCE_COLOR', 'CLICOLOR_FORCE'].some((name) =>
    isSet(env[name]),
  );
  const defaults = {
    ...(output === undefined || isSet(env['CAPTURES_OUTPUT']) ? {} : { CAPTURES_OUTPUT: output }),
    ...(color === 'never' && !isColorSaid ? { NO_COLOR: '1' } : {}),
    ...(color === 'always' && !isColorSaid ? { FORCE_COLOR: '1' } : {}),
  };
  const hasZone = timezone !== undefined && !isSet(env['TZ']);
  // Its other members are looked up when they are asked for: some cost time.
  return Object.create(world, {
    env: { value: { ...env, ...defaults } },
    ...(hasZone ? { timeZone: { value: timezone } } : {}),
  }) as World;
}

/** null for a user without a home folder; what needs one says so. */
function configFile(world: World): string | null {
  try {
    return join(findPaths(world).config, FILE);
  } catch (error) {
    if (isAppError(error)) return null;
    throw error;
  }
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}

function readConfig(path: string): Record<string, string> | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    // A folder without permission is reported when the store is opened; in the folder of a shared store
    // the file may be another user's.
    const isElsewhere = code === 'EACCES' && (!canSee(path) || !isOurs(path));
    if (code === 'ENOENT' || code === 'ENOTDIR' || isElsewhere) return null;
    throw unusable(path, `cannot be read: ${code === 'EACCES' ? 'no permission' : code}`);
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    throw unusable(path, 'is not JSON');
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw unusable(path, 'is not a JSON object');
  }
  for (const [name, value] of Object.entries(config)) {
    const choices = SETTINGS[name];
    if (choices === undefined && name !== TIME_ZONE) throw unusable(path, `knows no "${name}"`);
    if (typeof value !== 'string' || (choices !== undefined && !choices.includes(value))) {
      throw unusable(
        path,
        `says ${JSON.stringify(value)} for "${name}"${choices === undefined ? '' : `, which is one of ${choices.join(', ')}`}`,
      );
    }
    if (name === TIME_ZONE) checkZone(path, value);
  }
  return config as Record<string, string>;
}

function canSee(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

function checkZone(path: string, zone: string): void {
  if (!isTimeZone(zone)) {
    throw unusable(path, `says "${zone}" for "${TIME_ZONE}", which is not a time zone`);
  }
}

function unusable(path: string, why: string): AppError {
  return new AppError('store_unusable', `The file ${path} ${why}`, {
    hint: 'For example: {"output": "table", "color": "never", "timezone": "Europe/Berlin"}. Or remove it.',
  });
}

function isOurs(path: string): boolean {
  return statSync(path).uid === process.getuid?.();
}
