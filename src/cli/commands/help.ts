import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { loaded } from '../command.ts';
import type { Context } from '../context.ts';
import { HELP_TOPICS } from '../help-topics.ts';

export interface HelpOptions {
  readonly words: readonly string[];
}

export function registerHelp(command: Command, run: (options: HelpOptions) => Promise<void>): void {
  command
    .argument('[words...]', 'a command, or a topic')
    .addHelpText('after', `\nTopics: ${Object.keys(HELP_TOPICS).join(', ')}`)
    .action((words: string[]) => run({ words }));
}

/** Prints a topic; `main` has turned `help COMMAND` into `COMMAND --help` before this. */
export async function runHelp(options: HelpOptions, context: Context): Promise<number> {
  const [topic = ''] = options.words;
  const text = Object.hasOwn(HELP_TOPICS, topic) ? HELP_TOPICS[topic] : undefined;
  if (text === undefined || options.words.length > 1) {
    throw new AppError('invalid', `There is no command and no topic "${options.words.join(' ')}"`, {
      hint: `The topics are: ${Object.keys(HELP_TOPICS).join(', ')}. The commands: captures --help`,
    });
  }
  await context.world.stdout.write(text);
  return 0;
}

export const command = loaded(registerHelp, runHelp);
