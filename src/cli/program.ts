import { Command, CommanderError } from 'commander';
import { AppError } from '../core/errors.ts';
import { orList } from './arguments.ts';
import type { Start } from './command.ts';
import type { Context } from './context.ts';
import { readGlobalOptions, registerGlobalOptions } from './global-options.ts';
import { WIDEST_HELP, wrapHelp } from './help-text.ts';
import { AFTER_HELP, DESCRIPTION, HELP_OPTION, VERSION_OPTION } from './root-help.ts';
import { programVersion } from './version.ts';
import { VERBS, type Verb } from './verbs.ts';
import type { World } from './world.ts';

/**
 * Reads a command line with commander and runs the command it asks for.
 * @returns the exit status.
 * @throws AppError `invalid` for a command line that is wrong; whatever the command throws.
 */
export async function runCommandLine(argv: readonly string[], world: World): Promise<number> {
  let status = 0;
  // Commander writes help and version synchronously; what it wrote is passed on afterwards.
  const written: string[] = [];
  const program = new Command('captures');
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
  const columns = stdout.columns ?? (Number(env['COLUMNS']) || WIDEST_HELP);
  return Math.min(columns, WIDEST_HELP);
}

/** `help COMMAND…` is `COMMAND… --help`; `help TOPIC` is left to the help command. */
function helpAsOption(argv: readonly string[]): string[] {
  const [first, ...words] = argv;
  if (first === undefined || (first === 'help' && words.length === 0)) return ['--help'];
  if (first !== 'help') return [...argv];
  return VERBS.some(({ name }) => name === words[0]) ? [...words, '--help'] : [...argv];
}

async function runInContext(
  argv: readonly string[],
  program: Command,
  world: World,
  work: Parameters<Start>[0],
): Promise<number> {
  const options = readGlobalOptions(program.opts(), world.env);
  // Imported here: help and version need none of what a context brings.
  const { Context: ContextClass } = await import('./context.ts');
  if (options.timeZone !== null) {
    const { checkTimeZone } = await import('./times.ts');
    checkTimeZone(options.timeZone);
  }
  const context = new ContextClass(world, options, argv);
  try {
    const status = await work(context);
    await warnOfServers(context);
    await context.flushWarnings();
    return status;
  } finally {
    context.close();
  }
}

/** Says what nobody records, and which servers are not as their owners had them. */
async function warnOfServers(context: Context): Promise<void> {
  const { openedStore: store } = context;
  if (store === null) return;
  const { orphanWarning, serverWarnings } = await import('./orphans.ts');
  const warning = orphanWarning(store, context.now());
  if (warning !== null) await context.warn(warning);
  const actor = store.taps.list().length === 0 ? null : context.whoIsThere();
  if (actor === null) return;
  for (const text of serverWarnings(store, actor, context.now())) await context.warn(text);
}

/** Declares every verb; the options of a verb are declared when it is the one that was asked for. */
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
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false)
    .version(programVersion(), ...VERSION_OPTION)
    .helpOption(...HELP_OPTION)
    .addHelpText('after', AFTER_HELP);
  registerGlobalOptions(program);
  declare(program, VERBS, start);
}

function declare(parent: Command, verbs: readonly Verb[], start: Start): void {
  for (const verb of verbs) {
    const command = parent
      .command(verb.name, verb.hidden === true ? { hidden: true } : {})
      .summary(verb.summary)
      .description(`${verb.summary.charAt(0).toUpperCase()}${verb.summary.slice(1)}.`);
    if ('verbs' in verb) {
      declare(command, verb.verbs, start);
      command.helpCommand(false).exitOverride((error) => {
        // Commander's way to say that there was nothing after the noun.
        if (error.code !== 'commander.help') throw error;
        throw new AppError('invalid', `captures ${verb.name} needs a command`, {
          hint: `Say what to do: ${orList(verb.verbs.map(({ name }) => name))}`,
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

/** Whose command an unknown one is: `captures warm-up` is `captures env warm-up`. */
function nestedCommand(message: string): string | null {
  const name = /^Unknown command '([^']+)'$/.exec(message)?.[1];
  const nouns = VERBS.flatMap((verb) =>
    'verbs' in verb && verb.verbs.some((inner) => inner.name === name) ? [verb.name] : [],
  );
  if (name === undefined || nouns.length === 0) return null;
  return `Did you mean ${nouns.map((noun) => `captures ${noun} ${name}`).join(', or ')}?`;
}

/** What commander says about a command line, in our own words and with our own status. */
function asAppError(error: CommanderError): AppError {
  const [first = '', ...suggestions] = error.message.replace(/^error: /, '').split('\n');
  // Commander's only word for options without a command.
  if (error.code === 'commander.help') {
    return new AppError('invalid', 'There is no command', {
      hint: 'To see them all: captures --help',
      cause: error,
    });
  }
  const message = first.charAt(0).toUpperCase() + first.slice(1);
  const suggestion = nestedCommand(message) ?? suggestions.join(' ').replace(/^\(|\)$/g, '');
  return new AppError('invalid', message, {
    hint: suggestion === '' ? 'To see how it is used add --help.' : suggestion,
    cause: error,
  });
}
