import type { Command } from 'commander';
import type { Context } from '../runtime/context.ts';
import type { Noun } from '../render/column.ts';

/** Runs the work of a command once a context has been made for it. */
export type Start = (work: (context: Context) => Promise<number>) => Promise<void>;

/** Declares a command's arguments, options and help on `command`, and runs it through `start`. */
export type LoadedCommand = (command: Command, start: Start) => void;

/** For a command without data: what to say when an option asks for a form of it. */
interface NoData {
  readonly instead: string;
}

export const PRINTS_TEXT: NoData = { instead: 'It prints plain text.' };

interface Definition<Options> {
  /** Its arguments and options; `run` gets them by name. Absent: it has none. */
  readonly declare?: (command: Command) => Command;
  /** What its help says below the options. */
  readonly help: string;
  /**
   * What it prints: --fields is checked before anything is done, and the help ends in the fields. Or that it
   * has no data: then the options that choose its form are refused. null: it sees to both.
   */
  readonly prints: Pick<Noun<never>, 'fields'> | NoData | null;
  /** Calls the core, and prints. @returns the exit status; nothing means 0. */
  readonly run: (options: Options, context: Context) => Promise<void> | Promise<number>;
}

/** A command as its file defines it; nothing is declared before its help or itself is asked for. */
export function defineCommand<Options extends object>(
  definition: Definition<Options>,
): LoadedCommand {
  const { declare, help, prints, run } = definition;
  const fields =
    prints !== null && 'fields' in prints ? `\n\nJSON fields: ${prints.fields.join(', ')}` : '';
  return (command, start) => {
    declare?.(command);
    command.addHelpText('after', `\n${help}${fields}`).action(() =>
      start(async (context) => {
        if (prints !== null && 'instead' in prints) context.refuseDataOptions(prints.instead);
        else if (prints !== null) context.checkFields(prints);
        const status = await run({ ...operandsOf(command), ...command.opts() }, context);
        return typeof status === 'number' ? status : 0;
      }),
    );
  };
}

/** The arguments that were typed, by name. */
function operandsOf({ registeredArguments, processedArgs }: Command): Record<string, unknown> {
  const named = registeredArguments.map((argument, index): [string, unknown] => [
    argument.name(),
    processedArgs[index],
  ]);
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}
