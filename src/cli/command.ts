import type { Command } from 'commander';
import type { Context } from './runtime/context.ts';
import type { Noun } from './render/column.ts';

/** What a command does, given its options; the number is the exit status. */
export type Run<Options> = (options: Options, context: Context) => Promise<number>;

/** Runs the work of a command once a context has been made for it. */
export type Start = (work: (context: Context) => Promise<number>) => Promise<void>;

/** Declares a command's arguments and options on `command`, and runs it through `start`. */
export type LoadedCommand = (command: Command, start: Start) => void;

/** For a command without data: what to say when an option asks for a form of it. */
export interface NoData {
  readonly instead: string;
}

export const PRINTS_TEXT: NoData = { instead: 'It prints plain text.' };

/**
 * Joins the two halves of a command file: `register`, which knows flags and nothing else, and
 * `run`, which knows options and nothing of the command line.
 * @param prints what a command that changes something prints: --fields is checked before the change;
 *   or that it has no data: then the options that choose its form are refused. null: it sees to both.
 */
export function loaded<Options>(
  register: (command: Command, run: (options: Options) => Promise<void>) => void,
  run: Run<Options>,
  prints: Pick<Noun<never>, 'fields'> | NoData | null = null,
): LoadedCommand {
  return (command, start) =>
    register(command, (options) =>
      start((context) => {
        if (prints !== null && 'instead' in prints) context.refuseDataOptions(prints.instead);
        else if (prints !== null) context.checkFields(prints);
        return run(options, context);
      }),
    );
}
