import type { KnownServer, KnownServers, ServerSession } from './known-servers.ts';
import type { SavedSession } from './session-file.ts';

/** What keeps a user logged in to a server. */
export class ServerSessionFile implements SavedSession {
  readonly #known: KnownServers;
  readonly #server: KnownServer;

  constructor(known: KnownServers, server: KnownServer) {
    this.#known = known;
    this.#server = server;
  }

  read(): string | null {
    return this.#server.session?.secret ?? null;
  }

  checkFolder(): void {
    this.#known.checkFolder();
  }

  save(session: ServerSession): void {
    this.#known.save({ ...this.#server, session });
  }

  remove(): void {
    const { name } = this.#server;
    if (this.#known.find(name) !== null) this.#known.save({ ...this.#server, session: null });
  }
}
