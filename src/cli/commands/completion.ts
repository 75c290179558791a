import { offering, oneOf } from '../input/choices.ts';
import { defineCommand, PRINTS_TEXT } from './command.ts';
import { COMPLETION_SCRIPTS, SHELLS, type Shell } from '../completion/shell-scripts.ts';
import type { Context } from '../runtime/context.ts';

interface Options {
  readonly shell: Shell;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command.argument(
      '<shell>',
      SHELLS.join(', '),
      offering(SHELLS, (text: string) => oneOf(SHELLS, text, 'SHELL')),
    ),
  help: `Prints a script that makes TAB complete commands, options, and the names of your environments, captures,
schedules, users and tokens. It needs no store: names are read when you press the key. After an update of
captures the script is still the same.

To enable it permanently:
  bash   echo 'source <(captures completion bash)' >> ~/.bashrc
  zsh    echo 'source <(captures completion zsh)' >> ~/.zshrc
  fish   captures completion fish > ~/.config/fish/completions/captures.fish

Examples:
  captures completion bash
  source <(captures completion zsh)
  captures completion fish | source

It prints a script, not data: there is no JSON.`,
  prints: PRINTS_TEXT,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  await context.world.stdout.write(COMPLETION_SCRIPTS[options.shell]);
}
