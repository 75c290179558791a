import { Command, CommanderError } from 'commander';
import { AppError } from '../core/errors.ts';
import { orList } from './input/arguments.ts';
import type { Start } from './commands/command.ts';
import type { Context } from './runtime/context.ts';
import { readGlobalOptions, registerGlobalOptions } from './input/global-options.ts';
import { HELP_TOPIC_NAMES } from './help/topic-names.ts';
import { WIDEST_HELP, wrapHelp } from './help/help-text.ts';
import { DESCRIPTION, HELP_OPTION, rootHelp, VERSION_OPTION } from './help/root-help.ts';
import { commandLineFor, suggestionsFor } from './help/suggestions.ts';
import { columnsOf } from './output/terminal-width.ts';
import { programVersion } from '../package.ts';
import { HIDDEN_VERBS, VERBS, type Verb } from './commands/verbs.ts';
import type { World } from './runtime/world.ts';

const OPTIONS_OF_ALL =
  '\nOptions of every command, such as -o, --json and -q: captures help options';

/**
 * Reads a command line with commander and runs the command it asks for.
 * @returns the exit status.
 * @throws AppError `invalid` for a command line that is wrong; whatever the command throws.
 */
export async function runCommandLine(argv: readonly string[], world: World): Promise<number> {
  let status = 0;
  // Commander writes help and version synchronously: collected here, written at the end.
  const written: string[] = [];
  const program = new CommandLine('captures', VERBS);
  const start: Start = async (work) => {
    status = await runInContext(argv, program, world, work);
  };
  buildProgram(program, { world, start, write: (text) => written.push(text) });
  try {
    await program.parseAsync(helpAsOption(argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw asAppError(error);
  }
  if (written.length > 0) await world.stdout.write(wrapHelp(written.join(''), helpWidth(world)));
  return status;
}

function helpWidth({ stdout, env }: Pick<World, 'stdout' | 'env'>): number {
  return Math.min(columnsOf(stdout, env), WIDEST_HELP);
}

/**
 * `help COMMAND…` is `COMMAND… --help`; `help TOPIC` is left to the help command.
 * @throws AppError `invalid` for a command that there is not.
 */
function helpAsOption(argv: readonly string[]): string[] {
  const [first, ...words] = argv;
  if (first === undefined || (first === 'help' && words.length === 0)) return ['--help'];
  if (first !== 'help') return [...argv];
  const option = words.findIndex((word) => word.startsWith('-'));
  const names = option === -1 ? words : words.slice(0, option);
  const topics: readonly string[] = HELP_TOPIC_NAMES;
  if (names.length === 1 && topics.includes(names[0] ?? '')) return [...argv];
  checkCommand(names);
  return [...words, '--help'];
}

function checkCommand(names: readonly string[]): void {
  let verbs: readonly Verb[] = VERBS;
  for (const [index, name] of names.entries()) {
    const verb = verbs.find((one) => one.name === name);
    if (verb === undefined) {
      const path = names.slice(0, index + 1).join(' ');
      const none = index === 0 ? 'no command and no topic' : 'no command';
      const all =
        index === 0
          ? 'To see the commands and the topics: captures help'
          : `To see its commands: captures help ${names.slice(0, index).join(' ')}`;
      throw new AppError('invalid', `There is ${none} "${path}"`, {
        hint: [meantBy(name, verbs, index === 0 ? HELP_TOPIC_NAMES : []) ?? '', all]
          .filter(Boolean)
          .join('\n'),
      });
    }
    verbs = 'verbs' in verb ? verb.verbs : [];
  }
}

async function runInContext(
  argv: readonly string[],
  program: Command,
  world: World,
  work: Parameters<Start>[0],
): Promise<number> {
  const options = readGlobalOptions(program.opts(), world.env);
  // Imported here: help and version do not need a context.
  const { openContext } = await import('./runtime/context.ts');
  if (options.timeZone !== null) {
    const { checkTimeZone } = await import('../core/time-zones.ts');
    checkTimeZone(options.timeZone);
  }
  const context = await openContext(world, options, argv);
  try {
    const status = await work(context);
    if (context.server === null) await warnOfServers(context);
    else await tryToWarn(context);
    await context.flushWarnings();
    return status;
  } catch (error) {
    throw context.explained(error);
  } finally {
    context.close();
  }
}

/** What a command did on a server does not fail because of what is not known of it afterwards. */
async function tryToWarn(context: Context): Promise<void> {
  try {
    await warnOfServers(context);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}

/** Warns of captures without a daemon, and of servers that are not restored. */
async function warnOfServers(context: Context): Promise<void> {
  if (context.isQuiet) return;
  const { daemon } = context.api;
  const { captures, hasServers } = await daemon.unattended();
  if (captures === 0 && !hasServers) return;
  const { neglectText, orphansText } = await import('./render/neglect.ts');
  if (captures > 0) await context.warn(orphansText(captures));
  const actor = hasServers ? await context.whoIsThere() : null;
  if (actor === null) return;
  const { servers, hasDaemon } = await daemon.neglected(actor);
  for (const server of servers) await context.warn(neglectText(server, hasDaemon));
}

/** Declares every verb; a verb's options are declared only when it is the one to run. */
function buildProgram(
  program: Command,
  parts: { world: World; start: Start; write: (text: string) => void },
): void {
  const { world, start, write } = parts;
  const width = helpWidth(world);
  program
    .description(DESCRIPTION)
    .exitOverride()
    .configureOutput({
      writeOut: write,
      writeErr: () => undefined,
      // Failures are printed in one place: exit-status.ts.
      outputError: () => undefined,
      getOutHelpWidth: () => width,
      getErrHelpWidth: () => width,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .helpCommand(false)
    .version(programVersion(), ...VERSION_OPTION)
    .helpOption(...HELP_OPTION);
  program.helpInformation = () => rootHelp(world);
  registerGlobalOptions(program);
  declare(program, [...VERBS, ...HIDDEN_VERBS], start);
}

function declare(parent: Command, verbs: readonly Verb[], start: Start): void {
  for (const verb of verbs) {
    const command = new CommandLine(verb.name, 'verbs' in verb ? verb.verbs : [])
      .copyInheritedSettings(parent)
      .summary(verb.summary)
      .description(`${verb.summary.charAt(0).toUpperCase()}${verb.summary.slice(1)}.`)
      .addHelpText('after', OPTIONS_OF_ALL);
    parent.addCommand(command);
    if ('verbs' in verb) {
      declare(command, verb.verbs, start);
      command.helpCommand(false).exitOverride((error) => {
        // What commander throws when nothing follows the noun.
        if (error.code !== 'commander.help') throw error;
        throw new AppError('invalid', `${verb.name} needs a command`, {
          hint: `Commands: ${orList(verb.verbs.map(({ name }) => name))}`,
        });
      });
    }
  }
  const loading = new Map(verbs.map((verb) => [verb.name, verb]));
  parent.hook('preSubcommand', async (_parent, command) => {
    const verb = loading.get(command.name());
    if (verb !== undefined && 'load' in verb) {
      const { command: load } = await verb.load();
      load(command, start);
      setNegatedDefaults(command);
    }
  });
}

/** A lone `--no-x` means x is true: commander 15 says so before the hook that declares it here. */
function setNegatedDefaults(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName();
    const isLone = !command.options.some(
      (other) => other.long === option.long?.replace('--no-', '--'),
    );
    if (option.negate && isLone && command.getOptionValue(name) === undefined) {
      command.setOptionValueWithSource(name, true, 'default');
    }
  }
}

/** The "Did you mean" for an unknown command; null if no name is near. */
function meantBy(
  word: string,
  verbs: readonly Verb[],
  topics: readonly string[] = [],
): string | null {
  const isRoot = verbs === VERBS;
  const line = isRoot ? commandLineFor(word) : null;
  if (line !== null) return `Did you mean ${line}?`;
  // `captures warm-up` is `captures env warm-up`.
  const nouns = isRoot
    ? VERBS.filter((verb) => 'verbs' in verb && verb.verbs.some(({ name }) => name === word))
    : [];
  const meant =
    nouns.length > 0
      ? nouns.map(({ name }) => `captures ${name} ${word}`)
      : suggestionsFor(word, [...verbs.map(({ name }) => name), ...topics]);
  return meant.length === 0 ? null : `Did you mean ${orList(meant)}?`;
}

/** Commander's command with our own suggestions. */
class CommandLine extends Command {
  readonly #verbs: readonly Verb[];

  constructor(name: string, verbs: readonly Verb[]) {
    super(name);
    this.#verbs = verbs;
  }

  unknownCommand(): never {
    const [word = ''] = this.args;
    const hint =
      meantBy(word, this.#verbs) ?? `To see the commands: captures ${this.#path()}--help`;
    return this.#refuse(`error: unknown command '${word}'`, hint);
  }

  missingArgument(name: string): never {
    const all = this.registeredArguments;
    const missing = all.find((one) => one.name() === name);
    const usage = all.map((one) => {
      const shown = one.variadic ? `${one.name()}...` : one.name();
      return one.required ? `<${shown}>` : `[${shown}]`;
    });
    const what = missing?.description ?? '';
    return this.#refuse(
      `error: missing <${name}>: captures ${this.#path()}${usage.join(' ')}`,
      what === '' ? null : `<${name}> is ${what}.`,
    );
  }

  // Called by commander, for operands that the command does not take: `daemon status`.
  _excessArguments(words: readonly string[]): void {
    const expected = this.registeredArguments.length;
    const [word = ''] = words.slice(expected);
    const isOption = this.options.some(({ long, hidden }) => long === `--${word}` && !hidden);
    return this.#refuse(
      `error: too many arguments for '${this.name()}': it takes ${expected === 0 ? 'none' : expected}, not ${words.length}: ${words.join(', ')}`,
      isOption ? `Did you mean --${word}?` : null,
    );
  }

  /** `env create `; empty for the program itself. */
  #path(): string {
    const noun = this.parent?.parent == null ? '' : `${this.parent.name()} `;
    return this.parent === null ? '' : `${noun}${this.name()} `;
  }

  unknownOption(flag: string): never {
    const all = [this, this.parent, this.parent?.parent].flatMap((one) => one?.options ?? []);
    const long = all.flatMap((option) =>
      option.hidden || option.long == null ? [] : [option.long.slice(2)],
    );
    const near = flag.startsWith('--') ? suggestionsFor(flag.slice(2), [...long, 'help']) : [];
    if (flag === '-v') near.push('version');
    const hint =
      near.length === 0
        ? `To see the options: captures ${this.#path()}--help`
        : `Did you mean ${orList(near.map((name) => `--${name}`))}?`;
    return this.#refuse(`error: unknown option '${flag}'`, hint);
  }

  #refuse(message: string, hint: string | null): never {
    return this.error(hint === null ? message : `${message}\n${hint}`, {
      code: 'captures.unknown',
    });
  }
}

function asAppError(error: CommanderError): AppError {
  const [first = '', ...suggestions] = error.message.replace(/^error: /, '').split('\n');
  // What commander throws for options without a command.
  if (error.code === 'commander.help') {
    return new AppError('invalid', 'There is no command', {
      hint: 'To see them all: captures --help',
      cause: error,
    });
  }
  const message = first.charAt(0).toUpperCase() + first.slice(1);
  const suggestion = suggestions.join(' ');
  return new AppError('invalid', message, {
    hint: suggestion === '' ? 'To see how it is used add --help.' : suggestion,
    cause: error,
  });
}
