import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Between } from '../support/between.ts';
import { BIN, endStarted, eventually, type RunningProcess } from '../support/processes.ts';
import { needs } from '../support/skips.ts';
import { hasProgram, Terminal } from '../support/terminal.ts';
import { startShopServer, type ShopServer } from './shop-server.ts';
import { Workplace } from './workplace.ts';

const CTRL_C = '\u0003';

let server: ShopServer;
let place: Workplace;
let client: Workplace;
let between: Between;
let daemon: RunningProcess;
let application: Connection;
beforeAll(async () => {
  server = await startShopServer();
  // A session with a prepared statement from before: the first values are looked at.
  application = await server.admin();
  await application.prepare('SELECT ?');
  place = await Workplace.at(server);
  client = new Workplace();
  daemon = place.start(['daemon', '--listen', '127.0.0.1:0']);
  const [, port = ''] = await eventually('it records and serves', () =>
    daemon.stderr().includes('"event":"daemon active"')
      ? /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(daemon.stderr())
      : null,
  );
  between = new Between(Number(port));
  await between.listen();
  const password = join(client.desk, 'password');
  await client.ok([
    ...['login', 'ada', '--server', between.url, '--server-name', 'work'],
    ...['--password-file', password],
  ]);
});
afterEach(() => {
  between.fateOf = () => 'through';
  between.onHeld = () => undefined;
});
afterAll(async () => {
  between.close();
  daemon.child.kill('SIGTERM');
  await daemon.ended;
  await endStarted();
  await application.end();
  await client.close();
  await place.close();
  await server.stop();
});

/** Holds the first request of a kind, or its answer, and says when that is held. */
function hold(what: 'held' | 'answer held', isIt: (asked: IncomingMessage) => boolean) {
  let isHeld = false;
  return new Promise<void>((resolve) => {
    between.onHeld = resolve;
    between.fateOf = (asked) => {
      if (isHeld || !isIt(asked)) return 'through';
      isHeld = true;
      return what;
    };
  });
}

const isCreation = ({ method, url = '' }: IncomingMessage): boolean =>
  method === 'POST' && /^\/api\/captures(\?|$)/.test(url);
const isFirstLook = ({ url = '' }: IncomingMessage): boolean => url.includes('/first-values');
const isWait = ({ url = '' }: IncomingMessage): boolean => url.includes('/wait');

const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

describe('create on a server, at Ctrl-C', () => {
  it('while it looks for values prints the capture, which goes on', async () => {
    const isHeld = hold('held', isFirstLook);
    const create = client.start(['create', 'looks', '--env', 'shop', '--json']);
    await isHeld;
    create.child.kill('SIGINT');
    const { status, stdout } = await create.ended;
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'looks', status: 'RUNNING' });
    await place.given(['stop', 'looks']);
  });

  it('before it is RUNNING says that the capture goes on', async () => {
    const isHeld = hold('held', isWait);
    const create = client.start(['create', 'starts', '--env', 'shop']);
    await isHeld;
    create.child.kill('SIGINT');
    const { status, stderr } = await create.ended;
    expect(status).toBe(130);
    expect(flat(stderr)).toContain('starts continues. To stop it: captures stop shop/starts');
    await place.ok(['stop', 'starts']).catch(async () => {
      await eventually(
        'it is RUNNING',
        async () => (await place.get('starts')).status === 'RUNNING',
      );
      await place.given(['stop', 'starts']);
    });
  });

  it.each([
    ['before its answer has come', 'answer held', isCreation],
    ['while the capture starts', 'held', isWait],
  ] as const)('for a command, %s, ends the capture', async (_when, what, isIt) => {
    const name = `command ${what}`;
    const isHeld = hold(what, isIt);
    const create = client.start(['create', name, '--env', 'shop', '--', 'sleep', '600']);
    await isHeld;
    create.child.kill('SIGINT');
    const { status, stderr } = await create.ended;
    expect(status).toBe(130);
    expect(flat(stderr)).toContain(`Ending the capture ${name}: its command has not been run.`);
    expect(await place.get(name)).toMatchObject({ status: 'DONE' });
  });

  it('says of a capture that was there before what the server has, and leaves it', async () => {
    await place.given(['create', 'older', '--env', 'shop']);
    const isHeld = hold('answer held', isCreation);
    const create = client.start(['create', 'older', '--env', 'shop', '--', 'sleep', '600']);
    await isHeld;
    create.child.kill('SIGINT');
    const { status, stderr } = await create.ended;
    expect(status).toBe(130);
    expect(flat(stderr)).toContain('work has shop/older');
    expect(await place.get('older')).toMatchObject({ status: 'RUNNING' });
    await place.given(['stop', 'older']);
  });
});

describe(
  'create --wait on a server, at Ctrl-C on a terminal',
  needs(hasProgram('script'), 'script is not installed'),
  () => {
    it('while it looks for values asks whether to stop the capture', async () => {
      const isHeld = hold('held', isFirstLook);
      const { PATH, CAPTURES_TEST_RUN } = process.env;
      const terminal = new Terminal(
        `'${process.execPath}' '${BIN}' create asks --env shop --wait --duration 10m`,
        { PATH, CAPTURES_TEST_RUN, CAPTURES_HOME: client.home, TERM: 'xterm', LANG: 'C.UTF-8' },
        client.desk,
      );
      try {
        await isHeld;
        terminal.press(CTRL_C);
        await terminal.until(/Stop the capture asks on work\?/);
        terminal.press('y\r');
        await eventually('it is over', async () => (await place.get('asks')).status === 'DONE');
      } finally {
        await terminal.close();
      }
    });
  },
);
