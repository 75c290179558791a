import { createPromptModule } from 'inquirer';
import { styleText } from 'node:util';
import { escapeText } from '../../display/escape.ts';
import { wrapMessage } from '../render/messages.ts';
import { displayWidth } from '../render/width.ts';
import type { Prompter } from './prompter.ts';
import { Interrupted } from '../runtime/signals.ts';

type Question = Record<string, unknown> & { type: string; message: string };

/** inquirer's own, where the line has room for it; it would break it anywhere. */
function maskedText(message: string, width: number): string {
  const text = '[input is masked]';
  return displayWidth(`? ${message} ${text}`) < width ? text : '';
}

/**
 * Prompts with inquirer, drawn on the given stream (stdout carries data only).
 * @param width of its terminal, in columns.
 */
export function inquirerPrompter(output: NodeJS.WritableStream, width: () => number): Prompter {
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
          // inquirer breaks a line anywhere, and puts "> " before it.
          return wrong === null ? true : wrapMessage(escapeText(wrong), width() - 2);
        },
      }),
    askSecret: (message) =>
      // No tick: whether it is right turns out behind the prompt. Checked in it, a wrong one would stay in the
      // line, unseen, and what is typed next would be added to it.
      answer<string>({
        type: 'password',
        message,
        theme: {
          prefix: styleText('blue', '?'),
          style: { maskedText: maskedText(escapeText(message), width()) },
        },
      }),
    confirm: (message) => answer<boolean>({ type: 'confirm', message, default: false }),
    choose: (message, choices) =>
      answer<string>({
        type: 'select',
        message,
        choices: choices.map((value) => ({ value, name: escapeText(value) })),
      }),
  };
}
