import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { systemClock } from '../../src/core/clock.ts';
import { BIN } from '../support/processes.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { needs } from '../support/skips.ts';
import { SERVER, TestStore } from '../support/stores.ts';
import { hasProgram, Terminal } from '../support/terminal.ts';
import { addUser } from '../support/users.ts';
import { statements } from '../workload/recorded.ts';

const CTRL_C = '\u0003';
const ENTERED = '\\u001b\\[\\?1049h\\u001b\\[\\?25l';
const LEFT = '\\u001b\\[\\?25h\\u001b\\[\\?1049l';
/** What stands behind the program: its exit status, and that the terminal reads lines and shows them. */
const RESTORED = '[^]*ended=STATUS\\s[^]*[^-]icanon[^]*[^-]echo ';

describe('a report that is watched', needs(hasProgram('script'), 'script is not installed'), () => {
  let test: TestStore;
  let terminal: Terminal;
  let id: number;
  beforeEach(async () => {
    test = new TestStore(systemClock);
    const home = test.store.directory;
    const ada = addUser(home, 'ada');
    const userId = test.store.users.findByName('ada')?.id ?? 0;
    const actor: Actor = { userId, userName: 'ada', isStoreAdmin: false, scope: UNLIMITED };
    const shop = test.environment({ admin: [actor] }, { server: SERVER, name: 'shop' });
    const all = statements(300).map((one, n) => (n % 3 === 0 ? { ...one, sql: 'COMMIT' } : one));
    ({ id } = await recordedCapture(test, actor, shop, { status: 'RUNNING', statements: all }));
    const { PATH, CAPTURES_TEST_RUN } = process.env;
    const env = {
      ...ada,
      PATH,
      CAPTURES_TEST_RUN,
      CAPTURES_HOME: home,
      TERM: 'xterm',
      LANG: 'C.UTF-8',
      NO_COLOR: '1',
    };
    const watch = `'${process.execPath}' '${BIN}' report friday --watch --interval 1s`;
    terminal = new Terminal(`sh -c "trap : INT; ${watch}; echo ended=\\$? ; stty -a"`, env, home);
    await terminal.until(new RegExp(`${ENTERED}[^]*shop/friday RUNNING[^]*SELECT[^]*\\[r rate\\]`));
  });
  afterEach(async () => {
    await terminal.close();
  });

  const restoredWith = (status: number): RegExp =>
    new RegExp(LEFT + RESTORED.replace('STATUS', String(status)));

  it('says why a key cannot sort', async () => {
    terminal.press('t');
    await terminal.until(/times not read yet: the server's counts are read once a minute/);
  });

  it('is sorted by the key that is pressed, and q restores the terminal', async () => {
    terminal.press('c');
    await terminal.until(/\[c count\]/);
    terminal.press('q');
    await terminal.until(restoredWith(0));
  });

  it('ends at Ctrl-C with 130, and the terminal is restored', async () => {
    terminal.press(CTRL_C);
    await terminal.until(restoredWith(130));
  });

  it('leaves the report of the capture when that is over', async () => {
    const { captures } = test.store;
    captures.move(id, 'RUNNING', 'STOPPING', {});
    captures.move(id, 'STOPPING', 'DONE', { end: Date.now() });
    terminal.press('');
    const [shown] = await terminal.until(restoredWith(0));
    expect(shown).toMatch(/shop\/friday · DONE[^]*statements +300 of 2 digests[^]*COMMIT/);
    expect(shown).toContain('The capture is over: this is its report.');
  });
});
