import { shellQuoted } from '../../core/shell.ts';
import type { AwsIdentity } from '../../metrics-source/cloudwatch/aws-credentials.ts';
import type { Actor } from '../../core/access.ts';
import { CaptureService } from '../../core/captures/capture-service.ts';
import type { Environment } from '../../core/environments/environment.ts';
import { EnvironmentService } from '../../core/environments/environment-service.ts';
import { AppError } from '../../core/errors.ts';
import type {
  MetricProvider,
  MetricSources,
  OpenMetricSource,
} from '../../core/metrics/metric-source.ts';
import { UserService } from '../../core/users/user-service.ts';
import type { RetentionService } from '../../core/captures/retention.ts';
import type { ScheduleService } from '../../core/schedules/schedule-service.ts';
import type { ServerLogs } from '../../core/source.ts';
import type { Store } from '../../core/store.ts';
import type { StoreInspection } from '../../store/inspection.ts';
import { hasStore, openStore, openStoreToRead } from '../../store/store.ts';
import type { AllowedCredentials, CredentialUser } from './credential-rules.ts';
import type { GlobalOptions, OutputMode } from '../input/global-options.ts';
import { checkFields, printList, printOne, type OutputSettings } from '../output/output.ts';
import { findPaths, type Paths } from './paths.ts';
import type { Prompter } from '../input/prompter.ts';
import type { Noun } from '../render/column.ts';
import { escapeText } from '../render/escape.ts';
import { wrapMessage } from '../render/messages.ts';
import { loadPaint, wantsColor, type Paint } from '../render/paint.ts';
import { SessionFile } from './session-file.ts';
import { columnsOf, messageWidth } from '../output/terminal-width.ts';
import type { World } from './world.ts';

/** Who is logged in, and how. */
export type LoggedIn = ReturnType<UserService['authenticate']>;

/**
 * What a command works with: the one place where the store, the services, the terminal and the
 * options come together. Everything is opened when it is first asked for.
 */
export class Context {
  readonly world: World;
  readonly options: GlobalOptions;
  readonly argv: readonly string[];
  readonly paths: Paths;
  #store: Store | null = null;
  #heldBack: string[] = [];
  #clearLine: () => Promise<void> = () => Promise.resolve();

  constructor(world: World, options: GlobalOptions, argv: readonly string[]) {
    this.world = world;
    this.options = options;
    this.argv = argv;
    this.paths = findPaths(world);
  }

  /** @throws AppError `store_unusable`, naming `captures init` where there is no store. */
  get store(): Store {
    this.#store ??= openStore(this.paths.store);
    return this.#store;
  }

  /**
   * Opens the store for a look that changes nothing: one of another version is not brought up to date.
   * @throws AppError `store_unusable`.
   */
  openToRead(): void {
    this.#store ??= openStoreToRead(this.paths.store);
  }

  /** @throws AppError `store_unusable` when nobody can say. */
  get hasStore(): boolean {
    return hasStore(this.paths.store);
  }

  /** A store that was just made, open already. */
  adoptStore(store: Store): void {
    this.#store = store;
  }

  get openedStore(): Store | null {
    return this.#store;
  }

  get captures(): CaptureService {
    return new CaptureService(this.store, this.world.clock, this.world);
  }

  get environments(): EnvironmentService {
    return new EnvironmentService(this.store, this.world.clock, this.world);
  }

  get users(): UserService {
    const { clock, passwordCost } = this.world;
    return new UserService(this.store, clock, this.world, passwordCost);
  }

  /** Loaded when it is asked for: cron arithmetic is nothing a list of captures needs. */
  async schedules(): Promise<ScheduleService> {
    const { ScheduleService: Service } = await import('../../core/schedules/schedule-service.ts');
    return new Service(this.store, this.world.clock, this.world);
  }

  async retention(): Promise<RetentionService> {
    const { RetentionService: Service } = await import('../../core/captures/retention.ts');
    return new Service(this.store, this.world.clock, this.world);
  }

  /** Looks at how the store is kept. @throws AppError `store_unusable`. */
  async inspectStore(): Promise<StoreInspection> {
    const { inspectStore } = await import('../../store/inspection.ts');
    return inspectStore(this.paths.store);
  }

  /** @throws AppError `remote_failed` that says what of region and credentials is missing. */
  async findAwsCredentials(environment: Environment): Promise<AwsIdentity> {
    const { findAwsCredentials } =
      await import('../../metrics-source/cloudwatch/aws-credentials.ts');
    return findAwsCredentials(environment);
  }

  /** The AWS profiles that this machine's user has. */
  async listAwsProfiles(): Promise<string[]> {
    const { listAwsProfiles } = await import('../../metrics-source/cloudwatch/profiles.ts');
    return listAwsProfiles(this.world);
  }

  get session(): SessionFile {
    return new SessionFile(this.paths, this.store);
  }

  /** CloudWatch; the SDK is loaded when somebody asks for a metric. */
  readonly openMetricSource: OpenMetricSource = async (environment, signal) => {
    const { openCloudWatch } = await import('../../metrics-source/cloudwatch/cloudwatch.ts');
    const { clock } = this.world;
    return openCloudWatch(environment, { clock, random: Math.random, signal });
  };

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

  async metricSources(): Promise<MetricSources> {
    const [{ cloudWatchProvider }, { engineMetrics }] = await Promise.all([
      import('../../metrics-source/cloudwatch/provider.ts'),
      import('../../metrics-source/mysql-status/engine-metrics.ts'),
    ]);
    return { provider: cloudWatchProvider(this.openMetricSource), counters: engineMetrics };
  }

  /** What to run where only the server's owner can switch its log on: asks AWS which group that is. */
  async logSwitchCommands(environment: Environment): Promise<readonly string[]> {
    const { logSwitchCommands } =
      await import('../../metrics-source/cloudwatch/switching-commands.ts');
    return logSwitchCommands(environment);
  }

  /** @param daemon what this process may use as a daemon; null where it is none. */
  async serverLogs(daemon: AllowedCredentials | null = null): Promise<ServerLogs> {
    const [{ notingLooks }, { guardingCredentials }, user] = await Promise.all([
      import('./noted-looks.ts'),
      import('./credential-rules.ts'),
      this.credentialUser(daemon),
    ]);
    return guardingCredentials(
      notingLooks(await this.world.serverLogs(), () => this.store),
      user,
    );
  }

  /**
   * Looks at the file of a password reference.
   * @returns what keeps this process from looking, in words behind its name; null where nothing does.
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

  /** Whose word counts for which password references this process may use. */
  async credentialUser(daemon: AllowedCredentials | null = null): Promise<CredentialUser> {
    const [{ CredentialFile }, { isWritableByOthers }] = await Promise.all([
      import('./credential-rules.ts'),
      import('../../store/ownership.ts'),
    ]);
    return {
      name: this.world.userName,
      file: new CredentialFile(this.paths.ownConfig),
      daemon,
      isStoreShared: () => isWritableByOthers(this.paths.store),
    };
  }

  now(): number {
    return this.world.clock.now();
  }

  /** @throws AppError `unauthenticated` when nobody is logged in. */
  get actor(): Actor {
    return this.loggedIn();
  }

  /** Whether `CAPTURES_TOKEN` is set: it wins over the session. */
  get hasToken(): boolean {
    return (this.world.env['CAPTURES_TOKEN'] ?? '') !== '';
  }

  /** @throws AppError `unauthenticated` when nobody is logged in. */
  loggedIn(): LoggedIn {
    if (this.hasToken) return this.#byToken(this.world.env['CAPTURES_TOKEN'] ?? '');
    const secret = this.session.read();
    if (secret === null) {
      throw new AppError('unauthenticated', 'You are not logged in', {
        hint: `Log in with: ${this.loginCommand}`,
      });
    }
    return this.users.authenticate(secret);
  }

  /**
   * What logs in whoever it may be: the only user, the one of the system's name, or NAME. A shared store
   * tells nobody who its users are before they have logged in.
   */
  get loginCommand(): string {
    if (this.store.isShared) return 'captures login NAME';
    const users = this.store.users.list();
    const own = users.length === 1 ? users[0] : this.store.users.findByName(this.world.userName);
    return `captures login ${own == null ? 'NAME' : shellQuoted(own.name)}`;
  }

  /** null when nobody is logged in. */
  whoIsThere(): LoggedIn | null {
    try {
      return this.loggedIn();
    } catch (error) {
      if (error instanceof AppError && error.code === 'unauthenticated') return null;
      throw error;
    }
  }

  #byToken(token: string): LoggedIn {
    try {
      return this.users.authenticate(token.trim());
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'unauthenticated') throw error;
      throw new AppError('unauthenticated', error.message, {
        hint: 'CAPTURES_TOKEN is set and wins over the session: give it a valid token or unset it.',
        cause: error,
      });
    }
  }

  /** How data is printed: as asked for; else a table on a terminal and TSV elsewhere. */
  get outputMode(): OutputMode {
    return this.options.output ?? (this.world.stdout.isTTY ? 'table' : 'tsv');
  }

  /** Whether somebody asked for data, where a sentence says it all to people. */
  get isDataAsked(): boolean {
    const { output, fields, headers } = this.options;
    return output !== null || fields !== null || !headers;
  }

  /** Whether a command that has a report for people is to print that, not its fields. */
  get wantsReport(): boolean {
    const { output, fields, headers } = this.options;
    return (output === null || output === 'table') && fields === null && headers;
  }

  /**
   * For a command that prints nothing whose form could be chosen: an option that does so is not
   * silently ignored. What CAPTURES_OUTPUT says is a default, and holds for commands that have data.
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

  print<Row>(noun: Noun<Row>, rows: Iterable<Row>): Promise<void> {
    return printList(noun, rows, this.world.stdout, this.#outputSettings());
  }

  printOne<Row>(noun: Noun<Row>, row: Row): Promise<void> {
    return printOne(noun, row, this.world.stdout, this.#outputSettings());
  }

  /**
   * The result of a command whose sentence says it all (login, delete): data only for those who
   * asked for a mode.
   */
  async printIfAsked<Row>(noun: Noun<Row>, row: Row): Promise<void> {
    if (this.isDataAsked) await this.printOne(noun, row);
  }

  #outputSettings(): OutputSettings {
    return {
      mode: this.outputMode,
      options: this.options,
      // A function, because asking the system for its time zone costs 20 ms and only tables need it.
      view: () => ({ width: this.columns, now: this.now(), zone: this.timeZone }),
      paint: () => this.paint(),
    };
  }

  /** Something good to know, on stderr; not with --quiet and not in JSON mode. */
  async note(text: string): Promise<void> {
    if (!this.options.quiet && !this.isJson) await this.tell(text);
  }

  /** What a person has to know before answering a question, on stderr. */
  async tell(text: string): Promise<void> {
    await this.#writeLine(escapeText(text));
  }

  /**
   * Something that may go wrong, on stderr. In JSON mode it is held back until the command has
   * succeeded: a failure puts exactly one object on stderr.
   */
  async warn(text: string): Promise<void> {
    const line = `warning: ${escapeText(text)}`;
    if (this.isJson) this.#heldBack.push(line);
    else await this.#writeLine(line, 'busy');
  }

  /** Shows what was held back; called once a command has succeeded. */
  async flushWarnings(): Promise<void> {
    const lines = this.#heldBack;
    this.#heldBack = [];
    for (const line of lines) await this.#writeLine(line);
  }

  /** @param clear takes a line that is drawn anew each second away, before another line is written. */
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

  /** Whether there is somebody to ask. */
  get canPrompt(): boolean {
    const { stdin, stderr, env } = this.world;
    const isCi = env['CI'] !== undefined && env['CI'] !== '' && env['CI'] !== 'false';
    return this.options.input && !isCi && stdin.isTTY && stderr.isTTY;
  }

  /** @throws AppError `invalid` where nobody can be asked; `instead` says what to do. */
  async prompter(missing: string, instead: string): Promise<Prompter> {
    if (this.canPrompt) return this.world.prompter();
    throw new AppError('invalid', missing, { hint: instead });
  }

  close(): void {
    this.#store?.close();
    this.#store = null;
  }
}
