import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { loaded, PRINTS_TEXT } from '../command.ts';
import type { Context } from '../runtime/context.ts';
import { WIDEST_HELP, wrapHelp } from '../help/help-text.ts';
import { HELP_TOPIC_NAMES } from '../help/topic-names.ts';
import { HELP_TOPICS } from '../help/topics.ts';

export interface HelpOptions {
  readonly words: readonly string[];
}

export function registerHelp(command: Command, run: (options: HelpOptions) => Promise<void>): void {
  command
    .argument('[words...]', 'a command, or a topic')
    .addHelpText('after', `\nTopics: ${HELP_TOPIC_NAMES.join(', ')}`)
    .action((words: string[]) => run({ words }));
}

/** Prints a topic; `help COMMAND` became `COMMAND --help` before this. */
export async function runHelp(options: HelpOptions, context: Context): Promise<number> {
  const topic = HELP_TOPIC_NAMES.find((name) => name === options.words[0]);
  if (topic === undefined) {
    // `captures help COMMAND` never comes here.
    throw new AppError('invalid', 'help comes first', {
      hint: `For example: captures help ${options.words.join(' ')}`,
    });
  }
  await context.world.stdout.write(wrapHelp(HELP_TOPICS[topic], WIDEST_HELP));
  return 0;
}

export const command = loaded(registerHelp, runHelp, PRINTS_TEXT);
