import { AppError } from '../../core/errors.ts';
import { escapeText } from '../../display/escape.ts';
import type { GlobalOptions, OutputMode } from '../input/global-options.ts';
import type { Prompter } from '../input/prompter.ts';
import {
  checkFields,
  printList,
  printOne,
  type OutputSettings,
  type Rows,
} from '../output/output.ts';
import { columnsOf, messageWidth } from '../output/terminal-width.ts';
import type { Noun } from '../render/column.ts';
import { wrapMessage } from '../render/messages.ts';
import { loadPaint, wantsColor, type Paint } from '../render/paint.ts';
import type { World } from './world.ts';

/**
 * What a command says and asks, in the form that its options choose: data on stdout, everything else on
 * stderr.
 */
export class Terminal {
  readonly world: World;
  readonly options: GlobalOptions;
  /** Of the server whose store is used; null where it is that of this machine. */
  readonly serverName: string | null;
  #heldBack: string[] = [];
  #clearLine: () => Promise<void> = () => Promise.resolve();

  constructor(world: World, options: GlobalOptions, serverName: string | null) {
    this.world = world;
    this.options = options;
    this.serverName = serverName;
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

  /** Prints JSON that is made piece by piece, so that not all of it is in the memory at once. */
  async printPieces(pieces: Iterable<string>): Promise<void> {
    const { escapeJson } = await import('../../display/escape.ts');
    const { stdout } = this.world;
    for (const piece of pieces) await stdout.write(stdout.isTTY ? escapeJson(piece) : piece);
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
        now: this.world.clock.now(),
        zone: this.timeZone,
        ...(this.serverName === null ? {} : { server: this.serverName }),
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

  /** Prints the warnings that were held back; called once a command has succeeded. */
  async flushWarnings(): Promise<void> {
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

  /** ` on captures.example.com`, for sentences and questions; empty for the store of this machine. */
  get onServer(): string {
    return this.serverName === null ? '' : ` on ${this.serverName}`;
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
    if (this.serverName === null) return prompter;
    const { namingServer } = await import('../input/server-naming.ts');
    return namingServer(prompter, this.onServer);
  }

  /** @throws AppError `invalid` where no prompt can be shown; `instead` says what to do. */
  async prompter(missing: string, instead: string): Promise<Prompter> {
    if (this.canPrompt) return this.openPrompter();
    throw new AppError('invalid', missing, { hint: instead });
  }
}
