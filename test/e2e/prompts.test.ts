import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BIN } from '../support/processes.ts';
import { needs } from '../support/skips.ts';
import { hasProgram, Terminal } from '../support/terminal.ts';
import { Workplace } from './workplace.ts';

const ENTER = '\r';

describe('a prompt', needs(hasProgram('script'), 'script is not installed'), () => {
  let place: Workplace;
  let terminal: Terminal;
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(async () => {
    await terminal.close();
    await place.close();
  });

  /** Runs captures on a terminal of so many columns. */
  function captures(words: string, columns: number): Terminal {
    const line = `sh -c "stty cols ${columns}; exec '${process.execPath}' '${BIN}' ${words}"`;
    const { PATH, CAPTURES_TEST_RUN } = process.env;
    const env = {
      PATH,
      CAPTURES_TEST_RUN,
      CAPTURES_HOME: place.home,
      TERM: 'xterm',
      LANG: 'C.UTF-8',
    };
    return new Terminal(line, env, place.desk);
  }

  it('for a password shows no tick at one that is refused, and asks again', async () => {
    terminal = captures('init --user ada', 100);
    await terminal.until(/Password for the new captures user ada \(at least 8 characters\)/);
    terminal.press(`short${ENTER}`);
    const [shown] = await terminal.until(
      /[^]*shorter than 8 characters\. Try again[^]*Password for/,
    );
    expect(shown).not.toContain('✔');
    terminal.press(`long enough${ENTER}`);
    await terminal.until(/Repeat the password/);
    terminal.press(`long enough${ENTER}`);
    await terminal.until(/Created a store/);
  });

  it('for a password says that it is masked only where the line has room for it', async () => {
    // Its question takes 64 columns, and what says that 18 more.
    terminal = captures('init --user ada', 82);
    const [narrow] = await terminal.until(/[^]*Password for [^]*characters\)[^]*\u001b\[\?25l/);
    expect(narrow).not.toContain('masked');
    terminal.press(`long enough${ENTER}`);
    await terminal.until(/Repeat the password[^]*\[input is masked\]/);
  });

  it('says what is wrong with an answer in lines that break between words', async () => {
    place = await Workplace.make();
    terminal = captures('env create', 44);
    await terminal.until(/Name of the environment/);
    terminal.press(`shop${ENTER}`);
    await terminal.until(/Server, as/);
    terminal.press(`mysql://root:secret@db1${ENTER}`);
    const [, error = ''] = await terminal.until(/> ([^]*)cnf:PATH#GROUP/);
    const words = error.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, ' ').split(/\s+/);
    expect(words.join(' ')).toContain(
      'Leave it out of the URL and say where it is: --password-from env:NAME, file:PATH or',
    );
  });
});
