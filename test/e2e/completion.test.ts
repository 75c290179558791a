import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN } from '../support/processes.ts';
import { hasProgram, Terminal } from '../support/terminal.ts';
import { Workplace } from './workplace.ts';

const NAMES = ['Friday evening', "it's $HOME", 'größe 😀', 'say "x" `y`', 'a:b=c', 'round; (x) #1'];
const TAB = '\t';
const ENTER = '\r';

/** Where the shell reads its settings from, and how it is started; each ends with the prompt `ready>`. */
const SHELLS = {
  bash: {
    file: 'bashrc',
    line: 'bash --noprofile --rcfile bashrc -i',
    settings: (run: string) => `
PS1='ready> '
bind 'set bell-style none'; bind 'set enable-bracketed-paste off'
captures() { if [ "$1" = __complete ] || [ "$1" = completion ]; then ${run} "$@"; else printf '<%s>' "$@"; echo END; fi; }
source <(captures completion bash)
`,
  },
  zsh: {
    file: '.zshrc',
    line: 'zsh -d -i',
    settings: (run: string) => `
PS1='ready> '; unsetopt prompt_cr prompt_sp zle_bracketed_paste; unset zle_bracketed_paste
captures() { if [ "$1" = __complete ] || [ "$1" = completion ]; then ${run} "$@"; else printf '<%s>' "$@"; echo END; fi; }
autoload -Uz compinit; compinit -u -D
source <(captures completion zsh)
`,
  },
  fish: {
    file: 'config.fish',
    line: "fish --no-config --init-command 'source config.fish' -i",
    settings: (run: string) => `
function fish_prompt; printf 'ready> '; end
function fish_greeting; end
function captures; if contains -- "$argv[1]" __complete completion; ${run} $argv; else; printf '<%s>' $argv; echo END; end; end
captures completion fish | source
set -g fish_autosuggestion_enabled 0
`,
  },
} as const;

let place: Workplace;

beforeAll(async () => {
  place = await Workplace.make();
  await place.ok(['env', 'create', 'shop', '--region', 'eu-west-1', '--instance', 'shop-1']);
  await place.ok(['env', 'create', 'my other shop', '--region', 'eu-west-1', '--instance', 's2']);
  for (const name of NAMES) await place.ok(['create', name, '--env', 'shop']);
});
afterAll(() => place.close());

describe.each(['bash', 'zsh', 'fish'] as const)('the TAB key in %s', (name) => {
  const isThere = hasProgram(name) && hasProgram('script');
  let terminal: Terminal;

  beforeAll(async () => {
    if (!isThere) return;
    const folder = join(place.desk, name);
    mkdirSync(folder);
    const { file, line, settings } = SHELLS[name];
    writeFileSync(join(folder, file), settings(`'${process.execPath}' '${BIN}'`));
    terminal = new Terminal(
      line,
      {
        PATH: process.env['PATH'],
        CAPTURES_HOME: place.home,
        CAPTURES_TEST_RUN: process.env['CAPTURES_TEST_RUN'],
        HOME: folder,
        ZDOTDIR: folder,
        LANG: 'C.UTF-8',
        TERM: 'xterm',
      },
      folder,
    );
    await terminal.until(/ready> /);
  });
  afterAll(() => (isThere ? terminal.close() : undefined));

  /** Types, presses ENTER, and says what arguments the program got. */
  async function argumentsOf(keys: string): Promise<string[]> {
    terminal.press(`${keys}${ENTER}`);
    const [, list = ''] = await terminal.until(/(<[^\r\n]*>)END[\s\S]*ready> /);
    return list.slice(1, -1).split('><');
  }

  describe.skipIf(!isThere)('when it is installed', () => {
    it.each([
      ['a command', `captures work${TAB}x`, ['workload', 'x']],
      ['a command of a noun', `captures env che${TAB}x`, ['env', 'check', 'x']],
      ['an option', `captures get x --wat${TAB}`, ['get', 'x', '--watch']],
      [
        'a value that there is to choose',
        `captures list --status RUN${TAB}`,
        ['list', '--status', 'RUNNING'],
      ],
      [
        'the second of a list',
        `captures list --status DONE,FAI${TAB}`,
        ['list', '--status', 'DONE,FAILED'],
      ],
      ['an environment', `captures create n --env sho${TAB}`, ['create', 'n', '--env', 'shop']],
      [
        'an environment with spaces',
        `captures list --env my${TAB}`,
        ['list', '--env', 'my other shop'],
      ],
      ['a value behind =', `captures list --env=my${TAB}`, ['list', '--env=my other shop']],
      ['a topic', `captures help exit${TAB}`, ['help', 'exit-codes']],
    ])('completes %s', async (_what, keys, words) => {
      expect(await argumentsOf(keys)).toEqual(words);
    });

    it.each(NAMES)('completes the name %s so that the shell reads it back', async (capture) => {
      const typed = Array.from(capture)[0] ?? '';
      expect(await argumentsOf(`captures get ${typed}${TAB}`)).toEqual(['get', capture]);
      expect(await argumentsOf(`captures get shop/${typed}${TAB}`)).toEqual([
        'get',
        `shop/${capture}`,
      ]);
    });

    it.each([
      ['double quotes', '"', 'Friday evening', 'Fri'],
      ['single quotes', "'", 'Friday evening', 'Friday e'],
      ['double quotes', '"', 'say "x" `y`', 'sa'],
      ['single quotes', "'", 'round; (x) #1', 'round; ('],
    ])('goes on within %s', async (_what, quote, capture, typed) => {
      expect(await argumentsOf(`captures get ${quote}${typed}${TAB}`)).toEqual(['get', capture]);
    });

    it('goes on behind an escaped space', async () => {
      expect(await argumentsOf(`captures get Friday\\ ev${TAB}`)).toEqual([
        'get',
        'Friday evening',
      ]);
    });

    it('completes files where a file is asked for', async () => {
      writeFileSync(join(place.desk, name, 'secret word'), '');
      expect(await argumentsOf(`captures login ada --password-file sec${TAB}`)).toEqual([
        'login',
        'ada',
        '--password-file',
        'secret word',
      ]);
    });

    // The last one: how a list is left again differs from shell to shell.
    it('shows what there is to choose from', async () => {
      terminal.press(`captures token ${TAB}${TAB}`);
      await terminal.until(/create[\s\S]*list[\s\S]*revoke/);
    });
  });
});
