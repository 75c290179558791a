import type { AwsIdentity } from '../aws/credentials.ts';
import type { Actor } from '../core/access.ts';
import { CaptureService } from '../core/capture-service.ts';
import type { Environment } from '../core/environments.ts';
import { EnvironmentService } from '../core/environment-service.ts';
import { AppError } from '../core/errors.ts';
import type { OpenMetricSource } from '../core/metrics.ts';
import type { FindParameterGroup } from '../core/parameter-groups.ts';
import { PeopleService } from '../core/people.ts';
import type { RetentionService } from '../core/retention.ts';
import type { ScheduleService } from '../core/schedule-service.ts';
import type { ServerLogs } from '../core/server-log.ts';
import type { Store } from '../core/store.ts';
import type { StoreInspection } from '../store/inspection.ts';
import { hasStore, openStore, openStoreToRead } from '../store/store.ts';
import type { GlobalOptions, OutputMode } from './global-options.ts';
import { checkFields, printList, printOne, type OutputSettings } from './output.ts';
import { findPaths, type Paths } from './paths.ts';
import type { Prompter } from './prompter.ts';
import type { Noun } from './render/column.ts';
import { escapeText } from './render/escape.ts';
import { loadPaint, wantsColor, type Paint } from './render/paint.ts';
import { SessionFile } from './session.ts';
import type { World } from './world.ts';

const DEFAULT_COLUMNS = 80;

/** Who is logged in, and how. */
export type LoggedIn = ReturnType<PeopleService['authenticate']>;

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

  get people(): PeopleService {
    return new PeopleService(this.store, this.world.clock, this.world);
  }

  /** Loaded when it is asked for: cron arithmetic is nothing a list of captures needs. */
  async schedules(): Promise<ScheduleService> {
    const { ScheduleService: Service } = await import('../core/schedule-service.ts');
    return new Service(this.store, this.world.clock, this.world);
  }

  async retention(): Promise<RetentionService> {
    const [{ RetentionService: Service }, { removeWorkload }, { workloadFolder }] =
      await Promise.all([
        import('../core/retention.ts'),
        import('../workload/workload-folder.ts'),
        import('./workloads.ts'),
      ]);
    const { store } = this;
    const removeFiles = (id: number) => removeWorkload(workloadFolder(store, id));
    return new Service(store, this.world.clock, removeFiles, this.world);
  }

  /** Looks at how the store is kept. @throws AppError `store_unusable`. */
  async inspectStore(): Promise<StoreInspection> {
    const { inspectStore } = await import('../store/inspection.ts');
    return inspectStore(this.paths.store);
  }

  /** @throws AppError `remote_failed` that says what of region and credentials is missing. */
  async findAwsCredentials(environment: Environment): Promise<AwsIdentity> {
    const { findAwsCredentials } = await import('../aws/credentials.ts');
    return findAwsCredentials(environment);
  }

  get session(): SessionFile {
    return new SessionFile(this.paths, this.store);
  }

  /** CloudWatch; the SDK is loaded when somebody asks for a metric. */
  readonly openMetricSource: OpenMetricSource = async (environment, signal) => {
    const { openCloudWatch } = await import('../aws/cloudwatch.ts');
    const { clock } = this.world;
    return openCloudWatch(environment, { clock, random: Math.random, signal });
  };

  /** The same from a child process: for a daemon, whose memory must not grow. */
  readonly openMetricSourceInChild: OpenMetricSource = async (environment, signal) => {
    const { childMetricSource } = await import('./metric-child.ts');
    return childMetricSource(environment, signal);
  };

  /** Asks AWS; the SDK is loaded when somebody wants to know. */
  readonly findParameterGroup: FindParameterGroup = async (environment) => {
    const { findParameterGroup } = await import('../aws/parameter-groups.ts');
    return findParameterGroup(environment);
  };

  async serverLogs(): Promise<ServerLogs> {
    const { notingLooks } = await import('./noted-looks.ts');
    return notingLooks(await this.world.serverLogs(), () => this.store);
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
        hint: 'Log in with: captures login NAME',
      });
    }
    return this.people.authenticate(secret);
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
      return this.people.authenticate(token.trim());
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

  get isJson(): boolean {
    return this.options.output === 'json';
  }

  /** IANA time zone in which times are read and shown. */
  get timeZone(): string {
    return this.options.timeZone ?? this.world.timeZone;
  }

  get columns(): number {
    const { stdout, env } = this.world;
    const asked = Number(env['COLUMNS']);
    const fromEnv = Number.isInteger(asked) && asked > 0 ? asked : null;
    return (stdout.isTTY ? stdout.columns : null) ?? fromEnv ?? DEFAULT_COLUMNS;
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
    if (this.options.output !== null) await this.printOne(noun, row);
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
    else await this.#writeLine((await this.paint('stderr'))('busy', line));
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

  async #writeLine(line: string): Promise<void> {
    await this.#clearLine();
    await this.world.stderr.write(`${line}\n`);
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
