import type { Command } from 'commander';
import type { Context } from '../runtime/context.ts';
import type { Noun } from '../render/column.ts';

/** Makes a context and runs a command's work in it. */
export type Start = (work: (context: Context) => Promise<number>) => Promise<void>;

/** Declares a command's arguments, options and help on `command`, and runs it through `start`. */
export type LoadedCommand = (command: Command, start: Start) => void;

/** A command without data: the hint when an option asks for a form of data. */
interface NoData {
  readonly instead: string;
}

export const PRINTS_TEXT: NoData = { instead: 'It prints plain text.' };

interface Definition<Options> {
  /** Its arguments and options; `run` gets them by name. Absent: it has none. */
  readonly declare?: (command: Command) => Command;
  readonly help: string;
  /**
   * What it prints: --fields is checked before anything is done, and the help ends in the fields. Or NoData:
   * options that choose a form of data are refused. null: `run` and `help` do this themselves.
   */
  readonly prints: Pick<Noun<never>, 'fields'> | NoData | null;
  /** Calls the core, and prints. @returns the exit status; nothing means 0. */
  readonly run: (options: Options, context: Context) => Promise<void> | Promise<number>;
}

/** A command as its file defines it; declared only when it, or its help, is asked for. */
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

function operandsOf({ registeredArguments, processedArgs }: Command): Record<string, unknown> {
  const named = registeredArguments.map((argument, index): [string, unknown] => [
    argument.name(),
    processedArgs[index],
  ]);
  return Object.fromEntries(named.filter(([, value]) => value !== undefined));
}
