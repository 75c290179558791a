import { AppError } from '../../core/errors.ts';
import { WIDEST_HELP, wrapHelp } from '../help/help-text.ts';
import { HELP_TOPIC_NAMES } from '../help/topic-names.ts';
import { HELP_TOPICS } from '../help/topics.ts';
import type { Context } from '../runtime/context.ts';
import { defineCommand, PRINTS_TEXT } from './command.ts';

interface Options {
  readonly words: readonly string[];
}

export const command = defineCommand<Options>({
  declare: (command) => command.argument('[words...]', 'a command, or a topic'),
  help: `Topics: ${HELP_TOPIC_NAMES.join(', ')}`,
  prints: PRINTS_TEXT,
  run,
});

/** Prints a topic; `help COMMAND` became `COMMAND --help` before this. */
async function run({ words }: Options, context: Context): Promise<void> {
  const topic = HELP_TOPIC_NAMES.find((name) => name === words[0]);
  if (topic === undefined) {
    // `captures help COMMAND` never comes here.
    throw new AppError('invalid', 'help comes first', {
      hint: `For example: captures help ${words.join(' ')}`,
    });
  }
  await context.world.stdout.write(wrapHelp(HELP_TOPICS[topic], WIDEST_HELP));
}
