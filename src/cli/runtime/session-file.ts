import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Store } from '../../core/store.ts';
import type { Paths } from './paths.ts';
import { checkPrivateFolder, readPrivateFile, writePrivateFile } from './private-files.ts';

/** The file that keeps a user logged in; one a store, never in a folder that others share. */
export class SessionFile {
  readonly #path: string;

  constructor(paths: Paths, store: Pick<Store, 'id' | 'isShared'>) {
    this.#path = store.isShared
      ? join(paths.ownConfig, `session-${store.id}`)
      : join(paths.config, 'session');
  }

  /**
   * The session's secret; null when no user is logged in.
   * @throws AppError `store_unusable` when others can read it.
   */
  read(): string | null {
    const text = readPrivateFile(this.#path, 'session file', 'store_unusable');
    if (text === null) return null;
    checkPrivateFolder(dirname(this.#path));
    const secret = text.trim();
    return secret === '' ? null : secret;
  }

  /** Refuses at once what `save` would refuse: before a password is asked for. */
  checkFolder(): void {
    checkPrivateFolder(dirname(this.#path));
  }

  save(secret: string): void {
    writePrivateFile(this.#path, `${secret}\n`);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
