import type { Prompter } from './prompter.ts';

/**
 * The same prompter, whose questions for a secret or a yes end in where one is.
 * @param onServer ` on captures.example.com`.
 */
export function namingServer(prompter: Prompter, onServer: string): Prompter {
  return {
    ask: (question, options) => prompter.ask(question, options),
    choose: (question, choices) => prompter.choose(question, choices),
    askSecret: (question) => prompter.askSecret(`${question}${onServer}`),
    confirm: (question) =>
      prompter.confirm(
        question.endsWith('?') ? `${question.slice(0, -1)}${onServer}?` : `${question}${onServer}`,
      ),
  };
}
