import type { Confinement } from '../../core/environments/confinement.ts';
import type { ServerAddress } from '../../core/environments/environment.ts';
import { AppError } from '../../core/errors.ts';
import { readPassword, type Wiring } from '../../wiring.ts';
import type { AllowedCredentials, CredentialUser } from './credential-rules.ts';
import type { Paths } from './paths.ts';
import type { World } from './world.ts';

/** The passwords of database servers that this process may use, by the rules of its own user. */
export class OwnCredentials {
  readonly #world: World;
  readonly #paths: Paths;
  readonly #wiring: Wiring;
  readonly #daemon: AllowedCredentials | null;

  /** @param daemon what this process may use as one that belongs to a daemon; null for a command. */
  constructor(
    world: World,
    paths: Paths,
    wiring: Wiring,
    daemon: AllowedCredentials | null = null,
  ) {
    this.#world = world;
    this.#paths = paths;
    this.#wiring = wiring;
    this.#daemon = daemon;
  }

  /** The user whose rules say which password references this process may use. */
  async user(): Promise<CredentialUser> {
    const { CredentialFile } = await import('./credential-rules.ts');
    return {
      name: this.#world.userName,
      file: new CredentialFile(this.#paths.ownConfig),
      daemon: this.#daemon,
      isStoreShared: () => this.#wiring.isStoreShared,
      references: () => this.#wiring.store.references.list(),
    };
  }

  /** Refuses a server whose references this process may not use. @throws AppError `invalid`. */
  async allow(server: ServerAddress): Promise<ServerAddress> {
    const { allowedServer } = await import('./credential-rules.ts');
    return allowedServer(server, await this.user());
  }

  /** What the user lets others describe over the API. */
  async confinement(): Promise<Confinement> {
    const { confinementOf } = await import('./credential-rules.ts');
    return confinementOf(await this.user());
  }

  /**
   * Whether this process cannot have the password that the daemon may have: in a store of several users
   * it is for the user of the daemon alone to read.
   */
  async isLeftToDaemon(server: ServerAddress): Promise<boolean> {
    const user = await this.user();
    if (server.isConfined !== true && !user.isStoreShared()) return false;
    const { allowedServer } = await import('./credential-rules.ts');
    try {
      await readPassword((await allowedServer(server, user)).passwordFrom, this.#world.env);
      return false;
    } catch (error) {
      if (error instanceof AppError) return true;
      throw error;
    }
  }
}
