import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../core/errors.ts';
import type { Paths } from './paths.ts';
import { checkPrivateFolder, errnoOf, readPrivateFile, writePrivateFile } from './private-files.ts';

/** A server that somebody logged in to, or was told to use. */
export interface KnownServer {
  readonly name: string;
  /** `https://captures.example.com`. */
  readonly url: string;
  /** A file with the certificates to trust besides the usual ones; null for none. */
  readonly caFile: string | null;
  /** null after a logout. */
  readonly session: ServerSession | null;
}

export interface ServerSession {
  readonly user: string;
  readonly secret: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** The name that means the store of this machine. */
export const LOCAL = 'local';

const FOLDER = 'servers';
const SUFFIX = '.json';
const CURRENT = 'current';
const OTHERS = 0o077;

/**
 * The servers that this user knows, each in a file of its own, so that two logins at once lose nothing. All of
 * them are closed to others, as is their folder: they hold sessions.
 */
export class KnownServers {
  readonly #folder: string;

  constructor(paths: Paths) {
    // In the folder of a shared store the sessions of others would lie beside ours.
    const parent = isOpenToOthers(paths.config) ? paths.ownConfig : paths.config;
    this.#folder = join(parent, FOLDER);
  }

  /** In the order of their names. @throws AppError `store_unusable` as `find`. */
  list(): KnownServer[] {
    let files: string[];
    try {
      files = readdirSync(this.#folder);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return [];
      throw new AppError('store_unusable', `The folder ${this.#folder} cannot be read`, {
        cause: error,
      });
    }
    return files
      .filter((file) => file.endsWith(SUFFIX) && !file.startsWith('.'))
      .flatMap((file) => this.#read(file) ?? [])
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** @throws AppError `store_unusable` when others can read it, or it is damaged. */
  find(name: string): KnownServer | null {
    return this.#read(fileOf(name));
  }

  /** The name of the server that `captures server use` chose; null for the store of this machine. */
  current(): string | null {
    const text = this.#text(CURRENT);
    const name = text?.trim() ?? '';
    return name === '' || name === LOCAL ? null : name;
  }

  save(server: KnownServer): void {
    writePrivateFile(join(this.#folder, fileOf(server.name)), `${JSON.stringify(server)}\n`);
  }

  /** @param name null for the store of this machine. */
  use(name: string | null): void {
    if (name === null) rmSync(join(this.#folder, CURRENT), { force: true });
    else writePrivateFile(join(this.#folder, CURRENT), `${name}\n`);
  }

  remove(name: string): void {
    if (this.current() === name) this.use(null);
    rmSync(join(this.#folder, fileOf(name)), { force: true });
  }

  /** Refuses at once what `save` would refuse: before a password is asked for. */
  checkFolder(): void {
    checkPrivateFolder(this.#folder);
  }

  #read(file: string): KnownServer | null {
    const text = this.#text(file);
    return text === null ? null : parse(text, join(this.#folder, file));
  }

  #text(file: string): string | null {
    const text = readPrivateFile(join(this.#folder, file), 'session file', 'store_unusable');
    if (text !== null) this.checkFolder();
    return text;
  }
}

/** A name may have a colon in it, or what a file's name cannot have. */
function fileOf(name: string): string {
  // Half of a character, which may be typed, is none that can be encoded.
  return `${encodeURIComponent(name.toWellFormed()).replace(/^\./, '%2E')}${SUFFIX}`;
}

function isOpenToOthers(folder: string): boolean {
  const stat = statSync(folder, { throwIfNoEntry: false });
  return stat !== undefined && (stat.mode & OTHERS) !== 0;
}

function parse(text: string, path: string): KnownServer {
  try {
    const { name, url, caFile, session } = JSON.parse(text) as Record<string, unknown>;
    if (typeof name === 'string' && typeof url === 'string' && URL.canParse(url)) {
      return {
        name,
        url,
        caFile: typeof caFile === 'string' ? caFile : null,
        session: sessionOf(session),
      };
    }
  } catch {
    // Said below.
  }
  throw new AppError('store_unusable', `The file ${path} is damaged`, {
    hint: 'Remove it and log in again: captures login NAME --server URL',
  });
}

function sessionOf(value: unknown): ServerSession | null {
  const { user, secret, expiresAt } = (value ?? {}) as Record<string, unknown>;
  return typeof user === 'string' && typeof secret === 'string' && typeof expiresAt === 'number'
    ? { user, secret, expiresAt }
    : null;
}
