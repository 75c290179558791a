import { createPromptModule } from 'inquirer';
import { escapeText } from '../render/escape.ts';
import type { Prompter } from './prompter.ts';
import { Interrupted } from '../runtime/signals.ts';

type Question = Record<string, unknown> & { type: string; message: string };

/** Prompts with inquirer, drawn on the given stream (stdout carries data only). */
export function inquirerPrompter(output: NodeJS.WritableStream): Prompter {
  const prompt = createPromptModule({ output });

  async function answer<T>(question: Question): Promise<T> {
    try {
      const message = escapeText(question.message);
      const answers = (await prompt([{ ...question, message, name: 'answer' }] as never)) as {
        answer: T;
      };
      return answers.answer;
    } catch (error) {
      // inquirer's own name for Ctrl-C; it exports the class from another package.
      if (error instanceof Error && error.name === 'ExitPromptError')
        throw new Interrupted('SIGINT');
      throw error;
    }
  }

  return {
    ask: (message, options = {}) =>
      answer<string>({
        type: 'input',
        message,
        ...(options.initial === undefined ? {} : { default: options.initial }),
        validate: (text: string) => {
          const wrong = options.check?.(text) ?? null;
          return wrong === null ? true : escapeText(wrong);
        },
      }),
    askSecret: (message) => answer<string>({ type: 'password', message }),
    confirm: (message) => answer<boolean>({ type: 'confirm', message, default: false }),
    choose: (message, choices) =>
      answer<string>({
        type: 'select',
        message,
        choices: choices.map((value) => ({ value, name: escapeText(value) })),
      }),
  };
}
