import { realpathSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';
import {
  isAnothersPassword,
  type Confinement,
  type ReferenceTable,
} from '../../core/environments/confinement.ts';
import { formatServerUrl, type ServerAddress } from '../../core/environments/environment.ts';
import {
  parsePasswordReference,
  type PasswordReference,
} from '../../core/environments/password-reference.ts';
import { AppError } from '../../core/errors.ts';
import { isPrintable } from '../../core/names.ts';
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
  /** What was described for which servers in the store. */
  readonly references: ReferenceTable['list'];
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
    const allowed = await withAllowedPassword(await withAllowedFiles(server, user), user);
    if (!isAnothersPassword(user.references(), server, namesOfFile)) return allowed;
    throw new AppError(
      'invalid',
      `${server.passwordFrom ?? ''} was named over the API, and is the password of another server by now`,
      { hint: `If that is meant, ${user.name} types it: ${typingOf(server)}` },
    );
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
  if (real === null) {
    if (!mayName(parsed.path, user) || realPathOf(parsed.path) !== null) {
      throw notAllowed(server, parsed, user);
    }
    throw new AppError(
      'invalid',
      `The password file ${parsed.path} is not there, or ${user.name} may not look for it`,
    );
  }
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
 * What a user lets others describe from elsewhere. To say that a file is not there would tell of all that are, so
 * it need not be; where it is, it has to be below the folder. It is looked at again when it is used.
 */
export function confinementOf(user: CredentialUser): Confinement {
  return {
    check: ({ server = null, profile = null, endpointUrl = null }) => {
      const own = user.file.read();
      if (profile !== null && !own.profiles.includes(profile)) throw refused('profile');
      const isEndpoint =
        endpointUrl === null || isAmazons(endpointUrl) || own.endpoints.includes(endpointUrl);
      if (!isEndpoint) throw refused('endpointUrl');
      if (server === null || user.file.holds(server)) return;
      const { sslCa, serverPublicKey, socket } = server;
      for (const [name, path] of Object.entries({ sslCa, serverPublicKey, socket })) {
        if (path !== null && !mayName(path, user)) throw refused(name);
      }
    },
    allowsPassword: (server) => {
      if (server.passwordFrom === null || user.file.holds(server)) return true;
      const parsed = parsePasswordReference(server.passwordFrom);
      if (parsed.from === 'env') return isAllowedVariable(parsed.name, user);
      // Both texts end where the reference does.
      return isPlain(server.passwordFrom) && mayName(parsed.path, user);
    },
    namesOf: namesOfFile,
  };
}

/** As it is typed, where it really is, and what the file system knows it by, which hard links have in common. */
function namesOfFile(path: string): string[] {
  const names = [normalize(path)];
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    names.push(realpathSync(path), `${dev}:${ino}`);
  } catch {
    // It is not there, or not for us to see: then it has no other name.
  }
  return names;
}

/** Whether a path may be named from elsewhere: below an allowed folder, in the one way to write it. */
function mayName(path: string, user: CredentialUser): boolean {
  if (!isAbsolute(path) || normalize(path) !== path || path.endsWith(sep) || !isPlain(path)) {
    return false;
  }
  const folders = [...user.file.read().folders, ...(user.daemon?.folders ?? [])];
  return folders.some((folder) => {
    if (!isBelow(path, folder)) return false;
    // Kubernetes keeps what a mount's links lead to below names such as `..data`.
    const isHidden = relative(folder, path)
      .split(sep)
      .some((name) => name.startsWith('..'));
    return !isHidden && staysBelow(path, folder);
  });
}

/** No character that cannot be seen, and no space at either end. */
function isPlain(text: string): boolean {
  return isPrintable(text) && text.trim() === text;
}

/** Whether no link on the way to a path leads out of a folder, as far as the path is there. */
function staysBelow(path: string, folder: string): boolean {
  try {
    const real = realpathSync(folder);
    for (let there = path; there !== folder && there !== dirname(there); there = dirname(there)) {
      const found = realPathOf(there);
      if (found !== null) return isBelow(found, real);
    }
    return true;
  } catch {
    return false;
  }
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

/**
 * Only what belongs to the services themselves: anybody can have a host below amazonaws.com, and requests that are
 * signed with the server's credentials go there. What is reached in a private network is for "endpoints".
 */
function isAmazons(url: string): boolean {
  return /^https:\/\/(monitoring|rds)(-fips)?\.[a-z]{2,}(-[a-z]+)+-\d+\.(amazonaws\.com(\.cn)?|api\.aws)\/?$/.test(
    url,
  );
}

function refused(what: string): AppError {
  return new AppError('invalid', `The server does not allow this ${what}`, {
    hint: 'Its administrator says which passwords and files may be named over the API: see docs/permissions.md.',
  });
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** How the user of a process says that a password is for a server. */
function typingOf(server: ServerAddress): string {
  return `captures env edit ENVIRONMENT --url ${formatServerUrl(server)} --password-from ${server.passwordFrom ?? ''}`;
}

function notAllowed(
  server: ServerAddress,
  parsed: PasswordReference,
  { name, file, daemon }: CredentialUser,
): AppError {
  const reference = server.passwordFrom ?? '';
  const typed = typingOf(server);
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
        'If the password is also yours:',
        typed,
        `or add ${what} to "${key}" in ${file.path}`,
        'While that daemon runs, captures create leaves the password to it.',
      ].join('\n'),
    },
  );
}
