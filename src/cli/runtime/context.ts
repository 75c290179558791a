import type { Api } from '../../core/api.ts';
import type { ServerAddress } from '../../core/environments/environment.ts';
import { AppError, isAppError } from '../../core/errors.ts';
import type { MetricProvider } from '../../core/metrics/metric-source.ts';
import type { Source } from '../../core/source.ts';
import type { AuthenticatedActor } from '../../core/users/user-service.ts';
import { programVersion } from '../../package.ts';
import { connectToServer, type RemoteApi } from '../../remote-wiring.ts';
import { Wiring } from '../../wiring.ts';
import { chooseServer } from './chosen-server.ts';
import type { AllowedCredentials, CredentialUser } from './credential-rules.ts';
import type { Place } from '../input/environment-options.ts';
import type { GlobalOptions, OutputMode } from '../input/global-options.ts';
import {
  checkFields,
  printList,
  printOne,
  type OutputSettings,
  type Rows,
} from '../output/output.ts';
import { findPaths, type Paths } from './paths.ts';
import type { Prompter } from '../input/prompter.ts';
import type { Noun } from '../render/column.ts';
import { escapeText } from '../../display/escape.ts';
import { wrapMessage } from '../render/messages.ts';
import { loadPaint, wantsColor, type Paint } from '../render/paint.ts';
import { KnownServers, type KnownServer } from './known-servers.ts';
import { SessionFile, type SavedSession } from './session-file.ts';
import { columnsOf, messageWidth } from '../output/terminal-width.ts';
import type { World } from './world.ts';

/** A server of captures whose store is used in place of one here. */
interface Connected {
  readonly server: KnownServer;
  readonly api: RemoteApi;
  readonly session: SavedSession;
}

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

/** @throws AppError `store_unusable` where the file of its certificates cannot be read. */
export async function connect(world: World, server: KnownServer): Promise<Connected> {
  const { ServerSessionFile } = await import('./server-session.ts');
  const { readCertificates } = await import('./server-certificates.ts');
  const { url, caFile } = server;
  const ca = caFile === null ? null : readCertificates(caFile);
  return {
    server,
    api: await connectToServer({
      url,
      ca,
      version: programVersion(),
      signal: world.signals.interrupted,
    }),
    session: new ServerSessionFile(new KnownServers(findPaths(world)), server),
  };
}

/**
 * What a command works with: the one place where the store, the services, the terminal and the
 * options come together. Everything is opened when it is first asked for.
 */
export class Context {
  readonly world: World;
  readonly options: GlobalOptions;
  readonly argv: readonly string[];
  readonly paths: Paths;
  readonly wiring: Wiring;
  #connected: Connected | null;
  #known: { readonly secret: string; readonly actor: AuthenticatedActor } | null = null;
  #heldBack: string[] = [];
  #clearLine: () => Promise<void> = () => Promise.resolve();

  /** @param connected null to use the store of this machine. */
  constructor(
    world: World,
    options: GlobalOptions,
    argv: readonly string[],
    connected: Connected | null = null,
  ) {
    this.world = world;
    this.options = options;
    this.argv = argv;
    this.#connected = connected;
    this.paths = findPaths(world);
    this.wiring = new Wiring(
      world,
      connected === null ? this.paths : noStoreHere(connected.server),
      (logs) => this.#withCredentials(logs, null),
      (server) => this.isLeftToDaemon(server),
    );
  }

  /**
   * The store for a process that belongs to a daemon.
   * @param daemon what that may use.
   * @param pid the daemon's: while it is the active one, what its processes cannot read is left to nobody.
   */
  wiringOfDaemon(daemon: AllowedCredentials, pid: number): Wiring {
    const wiring: Wiring = new Wiring(
      this.world,
      this.paths,
      (logs) => this.#withCredentials(logs, daemon, wiring),
      async (server) => {
        const lease = wiring.store.lease.find();
        const isActive = lease?.pid === pid && lease.host === this.world.hostName;
        return !isActive && (await this.isLeftToDaemon(server, daemon, wiring));
      },
      async () => {
        const { confinementOf } = await import('./credential-rules.ts');
        return confinementOf(await this.credentialUser(daemon, wiring));
      },
    );
    return wiring;
  }

  /** Every use case. @throws AppError `store_unusable`, naming `captures init` where there is no store. */
  get api(): Api {
    return this.#connected?.api ?? this.wiring.api;
  }

  /** The server whose store is used; null where it is that of this machine. */
  get server(): KnownServer | null {
    return this.#connected?.server ?? null;
  }

  /** Whether it is known already that there is nothing to warn of at the end of a command. */
  get isQuiet(): boolean {
    return this.#connected?.api.isQuiet() ?? !this.wiring.isStoreOpen;
  }

  /** Before secrets are asked for: nothing where the store is here. @throws AppError `remote_failed`. */
  async reachServer(): Promise<void> {
    await this.#connected?.api.reach();
  }

  /** The version of the program that the server runs; null before it has answered. */
  get serverVersion(): string | null {
    return this.#connected?.api.serverVersion() ?? null;
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

  /** ` on captures.example.com`, for sentences and questions; empty for the store of this machine. */
  get onServer(): string {
    return this.server === null ? '' : ` on ${this.server.name}`;
  }

  /** Where the paths that a user types are. */
  get place(): Place {
    const { server, world } = this;
    return server === null ? world : { server: server.name };
  }

  /** The AWS profiles that this machine's user has. */
  async listAwsProfiles(): Promise<string[]> {
    const { listAwsProfiles } = await import('../../metrics-source/cloudwatch/profiles.ts');
    return listAwsProfiles(this.world);
  }

  get session(): SavedSession {
    return this.#connected?.session ?? new SessionFile(this.paths, this.wiring.store);
  }

  /** CloudWatch from a child process: for a daemon, whose memory must not grow. */
  async metricProviderInChild(): Promise<MetricProvider> {
    const [{ cloudWatchProvider }, { childMetricSource }] = await Promise.all([
      import('../../metrics-source/cloudwatch/provider.ts'),
      import('./metric-child.ts'),
    ]);
    return cloudWatchProvider((environment, signal) =>
      Promise.resolve(childMetricSource(environment, signal)),
    );
  }

  /** @param daemon what this process may use as a daemon. */
  serverLogs(daemon: AllowedCredentials): Promise<Source> {
    return this.wiring.servers((logs) => this.#withCredentials(logs, daemon));
  }

  async #withCredentials(
    logs: Source,
    daemon: AllowedCredentials | null,
    wiring = this.wiring,
  ): Promise<Source> {
    const { guardingCredentials } = await import('./credential-rules.ts');
    return guardingCredentials(logs, await this.credentialUser(daemon, wiring));
  }

  /**
   * Looks at the file of a password reference.
   * @returns why this process cannot read it, in words that follow its name; null if it can.
   * @throws AppError `invalid` for a file that would be refused.
   */
  async checkReference(reference: string): Promise<string | null> {
    const { checkReference } =
      await import('../../source/mysql/connection/database-credentials.ts');
    return checkReference(reference);
  }

  /** @throws AppError `invalid` where this process cannot have the password behind a reference. */
  async tryReference(reference: string | null): Promise<void> {
    const { resolvePassword } =
      await import('../../source/mysql/connection/database-credentials.ts');
    await resolvePassword(reference, this.world.env);
  }

  /**
   * The user whose rules say which password references this process may use.
   * @param wiring has the store that is open already.
   */
  async credentialUser(
    daemon: AllowedCredentials | null = null,
    wiring = this.wiring,
  ): Promise<CredentialUser> {
    const { CredentialFile } = await import('./credential-rules.ts');
    return {
      name: this.world.userName,
      file: new CredentialFile(this.paths.ownConfig),
      daemon,
      isStoreShared: () => wiring.isStoreShared,
      references: () => wiring.store.references.list(),
    };
  }

  /**
   * Whether this process cannot have the password that the daemon may have: in a store of several users
   * it is for the user of the daemon alone to read.
   */
  async isLeftToDaemon(
    server: ServerAddress,
    daemon: AllowedCredentials | null = null,
    wiring = this.wiring,
  ): Promise<boolean> {
    const user = await this.credentialUser(daemon, wiring);
    if (server.isConfined !== true && !user.isStoreShared()) return false;
    const { allowedServer } = await import('./credential-rules.ts');
    try {
      await this.tryReference((await allowedServer(server, user)).passwordFrom);
      return false;
    } catch (error) {
      if (error instanceof AppError) return true;
      throw error;
    }
  }

  now(): number {
    return this.world.clock.now();
  }

  /**
   * The user who is logged in. A server, which looks at each request by itself, is asked once.
   * @throws AppError `unauthenticated` when there is none.
   */
  async actor(): Promise<AuthenticatedActor> {
    const secret = this.hasToken ? this.world.env['CAPTURES_TOKEN']?.trim() : this.session.read();
    if (secret == null) {
      const user = this.server?.session?.user ?? (await this.api.users.whoLogsIn());
      throw new AppError('unauthenticated', 'You are not logged in', {
        hint: { code: 'log_in', user },
      });
    }
    try {
      if (this.#known?.secret === secret) return this.#known.actor;
      const actor = await this.api.users.authenticate(secret);
      if (this.server !== null) this.#known = { secret, actor };
      return actor;
    } catch (error) {
      if (!isAppError(error, 'unauthenticated')) throw error;
      if (!this.hasToken) throw this.#asEndedSession(error);
      throw new AppError('unauthenticated', error.message, {
        hint: 'CAPTURES_TOKEN is used instead of the session: set it to a valid token, or unset it.',
        cause: error,
      });
    }
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

  /** Whether `CAPTURES_TOKEN` is set; it is used instead of the session. */
  get hasToken(): boolean {
    return (this.world.env['CAPTURES_TOKEN'] ?? '') !== '';
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

  /** How data is printed: by --output, else a table on a terminal and TSV elsewhere. */
  get outputMode(): OutputMode {
    return this.options.output ?? (this.world.stdout.isTTY ? 'table' : 'tsv');
  }

  /** Whether an option asks for data, where a command else prints a sentence. */
  get isDataAsked(): boolean {
    const { output, fields, headers } = this.options;
    return output !== null || fields !== null || !headers;
  }

  /** Whether a command with a report prints that, not its fields. */
  get wantsReport(): boolean {
    const { output, fields, headers } = this.options;
    return (output === null || output === 'table') && fields === null && headers;
  }

  /**
   * For a command that prints no data: refuses options that choose the form of data instead of ignoring
   * them. CAPTURES_OUTPUT is a default for commands with data and is ignored here.
   * @throws AppError `invalid`.
   */
  refuseDataOptions(instead: string, allowed: readonly string[] = []): void {
    const flag = this.options.dataFlags.find((one) => !allowed.includes(one));
    if (flag === undefined) return;
    throw new AppError('invalid', `${flag} does nothing here`, { hint: instead });
  }

  get isJson(): boolean {
    return this.options.output === 'json';
  }

  /** IANA time zone in which times are read and shown. */
  get timeZone(): string {
    return this.options.timeZone ?? this.world.timeZone;
  }

  get columns(): number {
    return columnsOf(this.world.stdout, this.world.env);
  }

  paint(stream: 'stdout' | 'stderr' = 'stdout'): Promise<Paint> {
    const { env } = this.world;
    return loadPaint(wantsColor(this.options.color, env, this.world[stream].isTTY));
  }

  /** @throws AppError `invalid` when --fields asks for a field that is not there. */
  checkFields(noun: Pick<Noun<never>, 'fields'>): void {
    checkFields(noun, this.options.fields);
  }

  print<Row>(noun: Noun<Row>, rows: Rows<Row>, mode = this.outputMode): Promise<void> {
    return printList(noun, rows, this.world.stdout, this.#outputSettings(mode));
  }

  printOne<Row>(noun: Noun<Row>, row: Row): Promise<void> {
    return printOne(noun, row, this.world.stdout, this.#outputSettings(this.outputMode));
  }

  /**
   * The result of a command that prints a sentence (login, delete): data only when an option asks for it.
   */
  async printIfAsked<Row>(noun: Noun<Row>, row: Row): Promise<void> {
    if (this.isDataAsked) await this.printOne(noun, row);
  }

  #outputSettings(mode: OutputMode): OutputSettings {
    return {
      mode,
      options: this.options,
      // A function, because asking the system for its time zone costs 20 ms and only tables need it.
      view: () => ({
        width: this.columns,
        now: this.now(),
        zone: this.timeZone,
        ...(this.server === null ? {} : { server: this.server.name }),
      }),
      paint: () => this.paint(),
      note: (text) => this.note(text),
    };
  }

  /** A note on stderr; not with --quiet and not in JSON mode. */
  async note(text: string): Promise<void> {
    if (!this.options.quiet && !this.isJson) await this.tell(text);
  }

  /** What a user must know before answering a prompt, on stderr. */
  async tell(text: string): Promise<void> {
    await this.#writeLine(escapeText(text));
  }

  /**
   * A warning on stderr. In JSON mode it is held back until the command has succeeded: a failure prints
   * exactly one object to stderr.
   */
  async warn(text: string): Promise<void> {
    const line = `warning: ${escapeText(text)}`;
    if (this.isJson) this.#heldBack.push(line);
    else await this.#writeLine(line, 'busy');
  }

  /** Prints the warnings that were held back, and those of the server; called once a command has succeeded. */
  async flushWarnings(): Promise<void> {
    for (const text of this.#connected?.api.takeWarnings() ?? []) await this.warn(text);
    const lines = this.#heldBack;
    this.#heldBack = [];
    for (const line of lines) await this.#writeLine(line);
  }

  /** @param clear removes a line that is redrawn each second, before another line is written. */
  keepClear(clear: () => Promise<void>): void {
    this.#clearLine = clear;
  }

  async #writeLine(text: string, tone: Parameters<Paint>[0] | null = null): Promise<void> {
    await this.#clearLine();
    const { stderr, env } = this.world;
    const lines = wrapMessage(text, messageWidth(stderr, env));
    const line = tone === null ? lines : (await this.paint('stderr'))(tone, lines);
    await stderr.write(`${line}\n`);
  }

  /** Whether a prompt can be shown. */
  get canPrompt(): boolean {
    const { stdin, stderr, env } = this.world;
    const isCi = env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== 'false';
    return this.options.input && !isCi && stdin.isTTY && stderr.isTTY;
  }

  /** Who answers questions; those that secrets or losses depend on name the server. */
  async openPrompter(): Promise<Prompter> {
    const prompter = await this.world.prompter();
    if (this.server === null) return prompter;
    const { namingServer } = await import('../input/server-naming.ts');
    return namingServer(prompter, this.onServer);
  }

  /** @throws AppError `invalid` where no prompt can be shown; `instead` says what to do. */
  async prompter(missing: string, instead: string): Promise<Prompter> {
    if (this.canPrompt) return this.openPrompter();
    throw new AppError('invalid', missing, { hint: instead });
  }

  close(): void {
    this.#connected?.api.close();
    this.wiring.close();
  }
}

/** In place of the paths of a store: whoever would open one is told where it is. */
function noStoreHere(server: KnownServer): { readonly store: string } {
  return {
    get store(): string {
      throw onlyOnServer('this', server);
    },
  };
}

function onlyOnServer(what: string, { name }: KnownServer): AppError {
  const isCommand = what.startsWith('captures ');
  const done = isCommand ? `${what} is run` : 'This is done';
  const again = isCommand ? `CAPTURES_SERVER=local ${what}` : 'captures server use local';
  return new AppError(
    'invalid',
    `${done} on the server's machine, and you use the server ${name}`,
    {
      hint: `Run it there. For the store of this machine: ${again}`,
    },
  );
}
