import { statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import type { Description } from '../../core/environments/confinement.ts';
import { formatServerUrl, type ServerAddress } from '../../core/environments/environment.ts';
import {
  parsePasswordReference,
  type PasswordReference,
} from '../../core/environments/password-reference.ts';
import { AppError } from '../../core/errors.ts';
import type { Source } from '../../core/source.ts';
import { readPrivateFile, writePrivateFile } from './private-files.ts';
import { shellQuoted } from '../render/shell-quoting.ts';

/**
 * A user who can write the store can describe any environment in it: another user's password file, and a
 * server of their own to send it to. In such a store a process uses only the references that its own user
 * allowed, on the command line or in a private file.
 *
 * The same goes for every store, and for every file that its description names, where an environment was
 * described over the API (`isConfined`).
 */

const FILE = 'credentials.json';
const OTHERS_WRITE = 0o022;

/** What the user of a process allows it to use, for whatever server the store names. */
export interface AllowedCredentials {
  /** Folders, by their real paths: every file below them. */
  readonly folders: readonly string[];
  /** Beginnings of the names of environment variables. */
  readonly prefixes: readonly string[];
}

/** What may be named over the API besides. */
interface AllowedNames {
  /** AWS profiles. */
  readonly profiles: readonly string[];
  /** Addresses of CloudWatch that are not Amazon's, as they are given. */
  readonly endpoints: readonly string[];
}

/** A reference that its user typed, and the server that it is for, with all that protects it on its way. */
type TypedReference = Pick<
  ServerAddress,
  'passwordFrom' | 'host' | 'port' | 'socket' | 'sslMode' | 'sslCa' | 'serverPublicKey'
>;

interface Contents extends AllowedCredentials, AllowedNames {
  readonly typed: readonly TypedReference[];
}

const NOTHING: Contents = {
  folders: [],
  prefixes: [],
  profiles: [],
  endpoints: [],
  typed: [],
};

/** The private file of a user that says which references their processes may use. */
export class CredentialFile {
  readonly path: string;

  /** @param folder the user's own configuration, which is never in a shared store. */
  constructor(folder: string) {
    this.path = join(folder, FILE);
  }

  /** @throws AppError `store_unusable` when others can read it, it is another user's, or it is not valid. */
  read(): Contents {
    const text = readPrivateFile(this.path, 'file of allowed credentials', 'store_unusable');
    if (text === null) return NOTHING;
    if (statSync(this.path).uid !== process.getuid?.()) {
      throw new AppError('store_unusable', `The file ${this.path} belongs to another user`, {
        hint: 'It must be your own. See HOME and XDG_CONFIG_HOME.',
      });
    }
    return parse(text, this.path);
  }

  /** Whether the user typed this reference for this server. */
  holds(server: ServerAddress): boolean {
    const one = JSON.stringify(typedOf(server));
    return this.read().typed.some((other) => JSON.stringify(typedOf(other)) === one);
  }

  /** Notes that the user typed it. */
  add(server: ServerAddress): void {
    if (this.holds(server)) return;
    const contents = this.read();
    const typed = [...contents.typed, typedOf(server)];
    writePrivateFile(this.path, `${JSON.stringify({ ...contents, typed }, null, 2)}\n`);
  }
}

function typedOf(server: TypedReference): TypedReference {
  const { passwordFrom, host, port, socket, sslMode, sslCa, serverPublicKey } = server;
  return { passwordFrom, host, port, socket, sslMode, sslCa, serverPublicKey };
}

function parse(text: string, path: string): Contents {
  let contents: unknown;
  try {
    contents = JSON.parse(text);
  } catch {
    contents = null;
  }
  const fields = (contents ?? {}) as Record<string, unknown>;
  const { folders = [], prefixes = [], profiles = [], endpoints = [], typed = [] } = fields;
  const areTexts = (list: unknown): list is string[] =>
    Array.isArray(list) && list.every((one) => typeof one === 'string');
  const areFine =
    areTexts(folders) && areTexts(prefixes) && areTexts(profiles) && areTexts(endpoints);
  if (contents === null || !areFine || !Array.isArray(typed)) {
    throw new AppError('store_unusable', `The file ${path} cannot be read`, {
      hint: 'Its form is {"folders": ["/etc/captures/credentials"], "prefixes": ["SHOP_"], "typed": []}.',
    });
  }
  return { folders, prefixes, profiles, endpoints, typed: typed as TypedReference[] };
}

/** @throws AppError `invalid` for what is no folder, or one that others can write. */
export async function checkFolder(folder: string): Promise<string> {
  try {
    const real = await realpath(folder);
    const stats = statSync(real);
    if (!isAbsolute(folder) || !stats.isDirectory()) throw new Error('not a folder');
    const isOurs = stats.uid === process.getuid?.() || stats.uid === 0;
    if (isOurs && (stats.mode & OTHERS_WRITE) === 0) return real;
  } catch {
    throw new AppError('invalid', `There is no credentials folder ${folder}`);
  }
  throw new AppError('invalid', `Others can write to the credentials folder ${folder}`, {
    hint: `It must be yours, or root's, and closed to others: chmod go-w ${shellQuoted(folder)}`,
  });
}

/** @throws AppError `invalid` for what cannot begin a variable's name. */
export function checkPrefix(prefix: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(prefix)) return prefix;
  throw new AppError('invalid', `--credential-env takes the prefix of a variable's name`);
}

export interface CredentialUser {
  readonly name: string;
  readonly file: CredentialFile;
  /** What a daemon allows by its options; null for every other command. */
  readonly daemon: AllowedCredentials | null;
  /** Whether others than this user can write the store now. */
  readonly isStoreShared: () => boolean;
}

/**
 * The server with the real paths of its files, which are those that were checked.
 * @throws AppError `invalid` for a reference that this process may not use.
 */
export async function allowedServer(
  server: ServerAddress,
  user: CredentialUser,
): Promise<ServerAddress> {
  const { isConfined = false } = server;
  if (isConfined) {
    if (user.file.holds(server)) return server;
    return withAllowedPassword(await withAllowedFiles(server, user), user);
  }
  if (server.passwordFrom === null || !user.isStoreShared()) return server;
  parsePasswordReference(server.passwordFrom);
  if (user.file.holds(server)) return server;
  return withAllowedPassword(server, user);
}

async function withAllowedPassword(
  server: ServerAddress,
  user: CredentialUser,
): Promise<ServerAddress> {
  if (server.passwordFrom === null) return server;
  const parsed = parsePasswordReference(server.passwordFrom);
  if (parsed.from === 'env') {
    if (isAllowedVariable(parsed.name, user)) return server;
    throw notAllowed(server, parsed, user);
  }
  const real = await allowedPath(parsed.path, user);
  if (real === null) throw notAllowed(server, parsed, user);
  const group = parsed.from === 'cnf' ? `#${parsed.group}` : '';
  return { ...server, passwordFrom: `${parsed.from}:${real}${group}` };
}

/** What is read before anybody logs in, and a socket, behind which may be anything that this user can reach. */
async function withAllowedFiles(
  server: ServerAddress,
  user: CredentialUser,
): Promise<ServerAddress> {
  const real = async (path: string | null): Promise<string | null> => {
    if (path === null) return null;
    const found = await allowedPath(path, user);
    if (found !== null) return found;
    throw new AppError(
      'invalid',
      `${path} was named over the API, and ${user.name} did not allow it`,
    );
  };
  return {
    ...server,
    sslCa: await real(server.sslCa),
    serverPublicKey: await real(server.serverPublicKey),
    socket: await real(server.socket),
  };
}

function isAllowedVariable(name: string, { file, daemon }: CredentialUser): boolean {
  const prefixes = [...file.read().prefixes, ...(daemon?.prefixes ?? [])];
  return prefixes.some((prefix) => name.startsWith(prefix));
}

/** Where it really is, if that is below an allowed folder; null also where it is not there. */
async function allowedPath(path: string, { file, daemon }: CredentialUser): Promise<string | null> {
  const folders = [...(daemon?.folders ?? [])];
  for (const folder of file.read().folders) folders.push(await checkFolder(folder));
  const real = await realpath(path).catch(() => null);
  return real !== null && folders.some((folder) => isBelow(real, folder)) ? real : null;
}

/**
 * Checks how somebody from elsewhere describes an environment, without a look at the files: to say that one is
 * not there would tell of all that are. They are looked at when they are used.
 * @throws AppError `invalid`.
 */
export function checkDescription(
  { server, region, instance, profile, endpointUrl }: Description,
  user: CredentialUser,
): void {
  for (const [name, value] of Object.entries({ region, instance })) {
    // They become part of addresses.
    if (value !== null && !/^[a-z\d-]{1,64}$/i.test(value)) throw refused(name, 'is not valid');
  }
  const own = user.file.read();
  if (profile !== null && !own.profiles.includes(profile)) throw refused('profile');
  if (endpointUrl !== null && !isAmazons(endpointUrl) && !own.endpoints.includes(endpointUrl)) {
    throw refused('endpointUrl');
  }
  if (server === null || user.file.holds(server)) return;
  const folders = [...own.folders, ...(user.daemon?.folders ?? [])];
  const isInside = (path: string): boolean =>
    isAbsolute(path) && normalize(path) === path && folders.some((folder) => isBelow(path, folder));
  const { sslCa, serverPublicKey, socket, passwordFrom } = server;
  for (const [name, path] of Object.entries({ sslCa, serverPublicKey, socket })) {
    if (path !== null && !isInside(path)) throw refused(name);
  }
  if (passwordFrom === null) return;
  const parsed = parsePasswordReference(passwordFrom);
  const isAllowed =
    parsed.from === 'env' ? isAllowedVariable(parsed.name, user) : isInside(parsed.path);
  if (!isAllowed) throw refused('password reference');
}

/** Also of its endpoints in a private network. */
function isAmazons(url: string): boolean {
  const { protocol, hostname, username, port } = new URL(URL.canParse(url) ? url : 'none:');
  const isTheirs = /\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/.test(hostname);
  return isTheirs && protocol === 'https:' && username === '' && port === '';
}

function refused(what: string, why?: string): AppError {
  if (why !== undefined) return new AppError('invalid', `The ${what} ${why}`);
  return new AppError('invalid', `The server does not allow this ${what}`, {
    hint: 'Its administrator says which passwords and files may be named over the API: see docs/permissions.md.',
  });
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

function notAllowed(
  server: ServerAddress,
  parsed: PasswordReference,
  { name, file, daemon }: CredentialUser,
): AppError {
  const reference = server.passwordFrom ?? '';
  const typed = `captures env edit ENVIRONMENT --url ${formatServerUrl(server)} --password-from ${reference}`;
  const [option, key, what] =
    parsed.from === 'env'
      ? ['--credential-env', 'prefixes', parsed.name]
      : ['--credentials', 'folders', dirname(parsed.path)];
  const where =
    server.isConfined === true ? 'that was named over the API' : 'in a store that others can write';
  if (daemon !== null) {
    return new AppError(
      'invalid',
      `The daemon of ${name} may not use ${reference} ${where}: start it with ${option} ${what}`,
      { hint: `Or ${name} types it: ${typed}` },
    );
  }
  return new AppError(
    'invalid',
    `A command that ${name} runs may not use ${reference} ${where}: it is for the daemon of the user who described it`,
    {
      hint: [
        'If that daemon runs, captures create leaves the password to it. If the password is also yours:',
        typed,
        `or add ${what} to "${key}" in ${file.path}`,
      ].join('\n'),
    },
  );
}

/** The same source, which opens servers only with references that this user may use. */
export function guardingCredentials(logs: Source, user: CredentialUser): Source {
  return {
    returnsStatements: (settings) => logs.returnsStatements(settings),
    open: async (server, ...others) => logs.open(await allowedServer(server, user), ...others),
    inspect: async (server, ...others) =>
      logs.inspect(await allowedServer(server, user), ...others),
    forecast: async (server, ...others) =>
      logs.forecast(await allowedServer(server, user), ...others),
  };
}
