import type { Actor } from '../../core/access.ts';
import type { Api } from '../../core/api.ts';
import { AppError, isAppError } from '../../core/errors.ts';
import type { AuthenticatedActor } from '../../core/users/user-service.ts';
import { formatDuration } from '../../core/units.ts';
import type { OutageNews } from '../../remote-wiring.ts';
import { Wiring } from '../../wiring.ts';
import type { Place } from '../input/environment-options.ts';
import type { GlobalOptions } from '../input/global-options.ts';
import { chooseServer } from './chosen-server.ts';
import {
  connect,
  KNOWN_THERE,
  noStoreHere,
  onlyOnServer,
  type ConnectedServer,
} from './connected-server.ts';
import type { KnownServer } from './known-servers.ts';
import { OwnCredentials } from './own-credentials.ts';
import { findPaths, type Paths } from './paths.ts';
import { SessionFile, type SavedSession } from './session-file.ts';
import { Terminal } from './terminal.ts';
import type { World } from './world.ts';

/**
 * What a command works with, over the store of this machine or of the server that is chosen.
 * @throws AppError `invalid` for a server that is not known.
 */
export async function openContext(
  world: World,
  options: GlobalOptions,
  argv: readonly string[],
): Promise<Context> {
  const server = chooseServer(world, argv);
  if (server === null) return new Context(world, options, argv, null);
  return new Context(world, options, argv, await connect(world, server));
}

/** The context of the same command on another server. It has to be closed. */
export async function contextOn(context: Context, server: KnownServer): Promise<Context> {
  const { world, options, argv } = context;
  return new Context(world, options, argv, await connect(world, server));
}

/**
 * What a command works with: who it acts for (`actor()`), the use cases (`api`), and as a `Terminal` what it
 * prints and asks. Everything is opened when it is first asked for.
 */
export class Context extends Terminal {
  readonly argv: readonly string[];
  readonly paths: Paths;
  /** The store of this machine. */
  readonly wiring: Wiring;
  /** What this machine's user may use with it. */
  readonly credentials: OwnCredentials;
  readonly #connected: ConnectedServer | null;
  #known: { readonly secret: string; readonly actor: AuthenticatedActor } | null = null;
  #isTakenForGranted = false;
  #isStderrLog = false;
  #showOutage: ((text: string | null) => Promise<void>) | null = null;

  /** @param connected null to use the store of this machine. */
  constructor(
    world: World,
    options: GlobalOptions,
    argv: readonly string[],
    connected: ConnectedServer | null = null,
  ) {
    super(world, options, connected?.server.name ?? null);
    this.argv = argv;
    this.#connected = connected;
    connected?.api.onOutage((news) => this.#tellOutage(news));
    this.paths = findPaths(world);
    this.wiring = new Wiring(
      world,
      connected === null ? this.paths : noStoreHere(connected.server),
      (server) => this.credentials.allow(server),
      (server) => this.credentials.isLeftToDaemon(server),
    );
    this.credentials = new OwnCredentials(world, this.paths, this.wiring);
  }

  /** Every use case. @throws AppError `store_unusable`, naming `captures init` where there is no store. */
  get api(): Api {
    return this.#connected?.api ?? this.wiring.api;
  }

  /**
   * The user who is logged in. A server, which looks at each request by itself, is asked once.
   * @throws AppError `unauthenticated` when there is none.
   */
  async actor(): Promise<AuthenticatedActor> {
    const secret = await this.#secret();
    try {
      if (this.#known?.secret === secret) return this.#known.actor;
      const actor = await this.api.users.authenticate(secret);
      if (this.server !== null) this.#known = { secret, actor };
      return actor;
    } catch (error) {
      throw this.#asRefusedLogin(error);
    }
  }

  /**
   * Who asks, for a command that only hands it on to use cases. A server knows it by itself, so it is asked
   * nothing before: one request less. A login that has ended is refused by the use case.
   * @throws AppError `unauthenticated` when it is known here that there is none.
   */
  async asker(): Promise<Actor> {
    if (this.#connected === null) return this.actor();
    this.#connected.api.askAs(await this.#secret());
    this.#isTakenForGranted = true;
    return KNOWN_THERE;
  }

  /** What to throw for what a command threw. */
  explained(error: unknown): unknown {
    return this.#isTakenForGranted ? this.#asRefusedLogin(error) : error;
  }

  async #secret(): Promise<string> {
    const secret = this.hasToken ? this.world.env['CAPTURES_TOKEN']?.trim() : this.session.read();
    if (secret != null) return secret;
    const user = this.server?.session?.user ?? (await this.api.users.whoLogsIn());
    throw new AppError('unauthenticated', 'You are not logged in', {
      hint: { code: 'log_in', user },
    });
  }

  #asRefusedLogin(error: unknown): unknown {
    if (!isAppError(error, 'unauthenticated')) return error;
    if (!this.hasToken) return this.#asEndedSession(error);
    return new AppError('unauthenticated', error.message, {
      hint: 'CAPTURES_TOKEN is used instead of the session: set it to a valid token, or unset it.',
      cause: error,
    });
  }

  #asEndedSession(error: AppError): AppError {
    const { server } = this;
    if (server === null || server.session === null) return error;
    const { user, expiresAt } = server.session;
    const ended = expiresAt <= this.now() ? 'has expired' : 'is not known there any more';
    return new AppError('unauthenticated', `Your session on ${server.name} ${ended}`, {
      hint: { code: 'log_in', user },
      cause: error,
    });
  }

  /** null when no user is logged in. */
  async whoIsThere(): Promise<AuthenticatedActor | null> {
    try {
      return await this.actor();
    } catch (error) {
      if (isAppError(error, 'unauthenticated')) return null;
      throw error;
    }
  }

  /** Whether `CAPTURES_TOKEN` is set; it is used instead of the session. */
  get hasToken(): boolean {
    return (this.world.env['CAPTURES_TOKEN'] ?? '') !== '';
  }

  /** What keeps the user logged in, here or on the server. */
  get session(): SavedSession {
    return this.#connected?.session ?? new SessionFile(this.paths, this.wiring.store);
  }

  now(): number {
    return this.world.clock.now();
  }

  /** The server whose store is used; null where it is that of this machine. */
  get server(): KnownServer | null {
    return this.#connected?.server ?? null;
  }

  /** The version of the program that the server runs; null before it has answered. */
  get serverVersion(): string | null {
    return this.#connected?.api.serverVersion() ?? null;
  }

  /** Now, by the server's clock, or a little before; null where that is not known. */
  get serverNow(): number | null {
    const ahead = this.#connected?.api.clockAhead() ?? null;
    return ahead === null ? null : this.now() + ahead;
  }

  /** Before secrets are asked for: nothing where the store is here. @throws AppError `remote_failed`. */
  async reachServer(): Promise<void> {
    await this.#connected?.api.reach();
  }

  /**
   * For what must be done where the store is.
   * @param what as it is typed there: `captures init`.
   * @throws AppError `invalid` where the store is that of a server.
   */
  refuseOnClient(what: string): void {
    if (this.server !== null) throw onlyOnServer(what, this.server);
  }

  /** The store's folder. @throws AppError as `api`. */
  get storeFolder(): string {
    return this.wiring.store.directory;
  }

  /** Where the store is, as it is printed: one of the two is null. */
  get whereStoreIs(): { readonly store: string | null; readonly server: string | null } {
    const { server } = this;
    return server === null
      ? { store: this.storeFolder, server: null }
      : { store: null, server: server.name };
  }

  /** Where the paths that a user types are. */
  get place(): Place {
    const { server, world } = this;
    return server === null ? world : { server: server.name };
  }

  /** For what logs to stderr, where a line may be one object: no warning is printed there at the end. */
  leaveStderrToLog(): void {
    this.#isStderrLog = true;
  }

  /** Whether it is known already that there is nothing to warn of at the end of a command. */
  get isQuiet(): boolean {
    if (this.#isStderrLog) return true;
    return this.#connected?.api.isQuiet() ?? !this.wiring.isStoreOpen;
  }

  /**
   * Asks for what is only read until a server answers: one that is started anew is asked again for a minute, of
   * which the user is told. Of the store of this machine it is asked once.
   * @param ask is called anew each time.
   * @param interrupted ends that; where it is left out, a signal to the program does.
   */
  untilAnswered<Value>(
    ask: () => PromiseLike<Value>,
    interrupted = this.world.signals.interrupted,
  ): Promise<Value> {
    return this.#connected === null
      ? Promise.resolve(ask())
      : this.#connected.api.outlast(ask, interrupted);
  }

  /**
   * For a screen that is drawn again and again: shows there what is told of a server that does not answer.
   * @param show is given a sentence, and null when it answers again; null to have notes again.
   */
  showOutagesBy(show: ((text: string | null) => Promise<void>) | null): void {
    this.#showOutage = show;
  }

  async #tellOutage(news: OutageNews): Promise<void> {
    const name = this.server?.name ?? 'the server';
    if (news.type === 'ends') {
      return this.#showOutage === null
        ? this.note(`${name} answers again.`)
        : this.#showOutage(null);
    }
    const again = `sking again for up to ${formatDuration(news.patience)}`;
    return this.#showOutage === null
      ? this.note(`${news.failure.message}. A${again} …`)
      : this.#showOutage(`${name} does not answer; a${again}.`);
  }

  /** Those of the server among them. */
  override async flushWarnings(): Promise<void> {
    for (const text of this.#connected?.api.takeWarnings() ?? []) await this.warn(text);
    await super.flushWarnings();
  }

  close(): void {
    this.#connected?.api.close();
    this.wiring.close();
  }
}
