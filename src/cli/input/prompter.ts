/** Asks the user. Every method throws `Interrupted` on Ctrl-C. */
export interface Prompter {
  /** @param check says what is wrong with an answer; null when it is right. */
  ask(question: string, options?: AskOptions): Promise<string>;
  /** Does not echo what is typed. */
  askSecret(question: string): Promise<string>;
  confirm(question: string): Promise<boolean>;
  choose(question: string, choices: readonly string[]): Promise<string>;
}

interface AskOptions {
  readonly initial?: string;
  readonly check?: (answer: string) => string | null;
}
