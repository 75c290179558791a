import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Store } from '../../core/store.ts';
import type { Paths } from './paths.ts';
import { checkPrivateFolder, readPrivateFile, writePrivateFile } from './private-files.ts';

/** What keeps a user logged in. */
export interface SavedSession {
  /**
   * The session's secret; null when no user is logged in.
   * @throws AppError `store_unusable` when others can read it.
   */
  read(): string | null;
  /** Refuses at once what `save` would refuse: before a password is asked for. */
  checkFolder(): void;
  /** @param session expiry in milliseconds since the epoch. */
  save(session: {
    readonly user: string;
    readonly secret: string;
    readonly expiresAt: number;
  }): void;
  remove(): void;
}

/** The file that keeps a user logged in; one a store, never in a folder that others share. */
export class SessionFile implements SavedSession {
  readonly #path: string;

  constructor(paths: Paths, store: Pick<Store, 'id' | 'isShared'>) {
    this.#path = store.isShared
      ? join(paths.ownConfig, `session-${store.id}`)
      : join(paths.config, 'session');
  }

  read(): string | null {
    const text = readPrivateFile(this.#path, 'session file', 'store_unusable');
    if (text === null) return null;
    checkPrivateFolder(dirname(this.#path));
    const secret = text.trim();
    return secret === '' ? null : secret;
  }

  checkFolder(): void {
    checkPrivateFolder(dirname(this.#path));
  }

  save({ secret }: { readonly secret: string }): void {
    writePrivateFile(this.#path, `${secret}\n`);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
