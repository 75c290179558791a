import { createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { initialisedHome, PASSWORD, runCaptures, type CliOptions } from '../support/cli.ts';
import { serveHome, type ServedHome } from '../support/served-home.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';
import { statements } from '../workload/recorded.ts';

/** What becomes of a request: it goes through, it and its answer are lost, or its answer alone. */
type Fate = 'through' | 'lost' | 'answer lost' | 'answer held';

/** What is in front of a server, and loses what it is told to. */
class Between {
  readonly #server: Server;
  /** The port behind it. */
  to: number;
  fateOf: (asked: IncomingMessage) => Fate = () => 'through';
  /** Told when the server has answered what is held. */
  onHeld: () => void = () => undefined;

  constructor(to: number) {
    this.to = to;
    this.#server = createServer((asked, answer) => {
      const fate = this.fateOf(asked);
      if (fate === 'lost') {
        asked.socket.destroy();
        return;
      }
      const { method = '', url = '', headers } = asked;
      const on = request({ host: '127.0.0.1', port: this.to, method, path: url, headers });
      on.on('error', () => asked.socket.destroy());
      on.once('response', (given: IncomingMessage) => {
        if (fate === 'through') {
          answer.writeHead(given.statusCode ?? 0, given.headers);
          given.on('error', () => answer.destroy());
          given.pipe(answer);
          return;
        }
        given.resume().once('end', () => {
          if (fate === 'answer lost') asked.socket.destroy();
          else this.onHeld();
        });
      });
      if (fate === 'through') answer.once('close', () => on.destroy());
      asked.pipe(on);
    });
  }

  listen(): Promise<void> {
    return new Promise((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks off what is under way. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

let server: ServedHome;
let between: Between;
let machine: CliOptions;
beforeAll(async () => {
  const home = await initialisedHome();
  expect((await runCaptures(['env', 'create', 'shop'], { home, over: 'store' })).status).toBe(0);
  server = await serveHome(home, { version: '0.1.0' });
  between = new Between(server.port);
  await between.listen();
  machine = { home: join(temporaryFolder(), 'client'), over: 'store' };
  const argv = [
    'login',
    'ada',
    '--password-stdin',
    '--server',
    between.url,
    '--server-name',
    'work',
  ];
  expect(await runCaptures(argv, { ...machine, stdin: PASSWORD })).toMatchObject({ status: 0 });
});
afterEach(() => {
  between.fateOf = () => 'through';
  between.onHeld = () => undefined;
  between.to = server.port;
});
afterAll(async () => {
  between.close();
  await server.close();
});

/** Time passes as fast as somebody waits. */
function hurriedClock(): Clock {
  let now = Date.now();
  return {
    now: () => now,
    sleep: async (ms) => {
      now += ms;
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

const isCreation = ({ method, url = '' }: IncomingMessage): boolean =>
  method === 'POST' && url.startsWith('/api/captures');

describe('create', () => {
  it('whose answer is lost says what the server has, and how to look at it', async () => {
    between.fateOf = (asked) => (isCreation(asked) ? 'answer lost' : 'through');
    const text = await runCaptures(['create', 'lost', '--env', 'shop'], machine);
    expect(text).toMatchObject({ status: 9, stdout: '' });
    expect(text.stderr).toMatch(
      /work has shop\/lost \(id \d+, of ada\), which is RUNNING\. To look at it: captures get\s+shop\/lost/,
    );
    const json = await runCaptures(['create', 'lost json', '--env', 'shop', '--json'], machine);
    expect(json).toMatchObject({ status: 9, stdout: '' });
    const { code, hint } = JSON.parse(json.stderr) as { code: number; hint: string };
    expect(code).toBe(502);
    expect(hint).toContain("which is RUNNING. To look at it: captures get 'shop/lost json'");
  });

  it('that did not reach the server says that nothing was created', async () => {
    between.fateOf = (asked) => (isCreation(asked) ? 'lost' : 'through');
    const { status, stderr } = await runCaptures(['create', 'none', '--env', 'shop'], machine);
    expect(status).toBe(9);
    expect(stderr).toContain('Nothing was created: work has no new capture "none".');
  });

  it.each([
    ['alone', []],
    ['for a command, which is not run,', ['--', 'true']],
  ])(
    '%s that is interrupted when it is done, before its answer came, says so',
    async (_how, command) => {
      const signals = new SignalDesk();
      between.fateOf = (asked) => (isCreation(asked) ? 'answer held' : 'through');
      between.onHeld = () => void signals.deliver('SIGINT');
      const name = `held ${command.length}`;
      const argv = ['create', name, '--env', 'shop', ...command];
      const { status, stderr } = await runCaptures(argv, { ...machine, signals });
      expect(status).toBe(130);
      expect(stderr).toMatch(/work has shop\/held \d \(id \d+, of ada\), which is RUNNING\./);
    },
  );

  it('that is interrupted when the server says nothing more says how to look', async () => {
    const signals = new SignalDesk();
    let isCreated = false;
    between.fateOf = (asked) => {
      if (isCreated) return 'answer held';
      if (!isCreation(asked)) return 'through';
      isCreated = true;
      return 'answer held';
    };
    between.onHeld = () => void signals.deliver('SIGINT');
    const argv = ['create', 'silent', '--env', 'shop'];
    const { status, stderr } = await runCaptures(argv, {
      ...machine,
      signals,
      clock: hurriedClock(),
    });
    expect(status).toBe(130);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      'It is not known whether "silent" was created on work. To look: captures list --env shop',
    );
  });
});

describe('stop', () => {
  it('whose answer is lost when it is done does not ask for it twice', async () => {
    await runCaptures(['create', 'ended', '--env', 'shop'], machine);
    let stops = 0;
    between.fateOf = ({ url = '' }) => {
      if (!url.includes('/stop')) return 'through';
      stops += 1;
      return stops === 1 ? 'answer lost' : 'through';
    };
    const { status, stdout, stderr } = await runCaptures(['stop', 'ended', '--json'], machine);
    expect({ status, stderr, stops }).toEqual({ status: 0, stderr: '', stops: 1 });
    expect(JSON.parse(stdout)).toMatchObject({ name: 'ended', status: 'DONE' });
  });

  it('that did not reach the server is asked for again', async () => {
    await runCaptures(['create', 'again', '--env', 'shop'], machine);
    let stops = 0;
    between.fateOf = ({ url = '' }) => {
      if (!url.includes('/stop')) return 'through';
      stops += 1;
      return stops === 1 ? 'lost' : 'through';
    };
    const { status, stdout } = await runCaptures(['stop', 'again', '--json'], machine);
    expect({ status, stops }).toEqual({ status: 0, stops: 2 });
    expect(JSON.parse(stdout)).toMatchObject({ status: 'DONE' });
  });
});

describe('a list that is watched', () => {
  const watch = ['list', '--watch', '--env', 'shop'];

  it('goes on when the server is back, and says so once', async () => {
    const signals = new SignalDesk();
    let asked = 0;
    between.fateOf = () => {
      asked += 1;
      if (asked === 12) signals.deliver('SIGINT');
      return asked > 4 && asked < 10 ? 'lost' : 'through';
    };
    const options = { ...machine, signals, clock: hurriedClock() };
    const { status, stderr } = await runCaptures(watch, options);
    expect(status).toBe(130);
    expect(stderr.match(/Asking again for up to\s1m/g)).toHaveLength(1);
    expect(stderr.match(/work answers again\./g)).toHaveLength(1);
  });

  it('ends after a minute with the failure that it had before', async () => {
    let asked = 0;
    between.fateOf = () => (++asked > 3 ? 'lost' : 'through');
    const { status, stderr } = await runCaptures(watch, { ...machine, clock: hurriedClock() });
    expect(status).toBe(9);
    expect(stderr.match(/closed the connection before it answered/g)).toHaveLength(2);
    expect(stderr).toContain('Run the command again');
  });

  it('is not waited for where the server did not answer at first', async () => {
    let asked = 0;
    between.fateOf = () => {
      asked += 1;
      return 'lost';
    };
    expect(await runCaptures(watch, machine)).toMatchObject({ status: 9 });
    expect(asked).toBe(1);
  });

  it('ends where the login is not known after the restart', async () => {
    const other = await serveHome(await initialisedHome(), { version: '0.1.0' });
    let asked = 0;
    between.fateOf = () => {
      asked += 1;
      if (asked === 5) between.to = other.port;
      return asked === 4 ? 'lost' : 'through';
    };
    const { status, stderr } = await runCaptures(watch, { ...machine, clock: hurriedClock() });
    await other.close();
    expect(status).toBe(4);
    expect(stderr).toContain('Your session on work is not known there any more');
  });

  it('ends where the server does not understand this version after the restart', async () => {
    const other = createServer((_asked, answer) => {
      answer.writeHead(200, { 'captures-api': '99', 'captures-version': '9.0.0' }).end('{}');
    });
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
    let asked = 0;
    between.fateOf = () => {
      asked += 1;
      if (asked === 5) between.to = (other.address() as AddressInfo).port;
      return asked === 4 ? 'lost' : 'through';
    };
    const { status, stderr } = await runCaptures(watch, { ...machine, clock: hurriedClock() });
    other.closeAllConnections();
    other.close();
    expect(status).toBe(9);
    expect(stderr).toContain('runs captures 9.0.0');
  });
});

describe('metrics that are watched', () => {
  it('say on the screen that the server does not answer, and end after a minute', async () => {
    const metrics = [
      '--region',
      'eu-west-1',
      '--instance',
      'db',
      '--endpoint-url',
      'http://127.0.0.1:1',
    ];
    expect((await runCaptures(['env', 'create', 'rds', ...metrics], machine)).status).toBe(0);
    expect((await runCaptures(['create', 'measured', '--env', 'rds'], machine)).status).toBe(0);
    let looks = 0;
    between.fateOf = ({ url = '' }) => {
      if (url.includes('/metric')) looks += 1;
      return looks > 2 ? 'lost' : 'through';
    };
    const options = { ...machine, tty: 100, clock: hurriedClock() };
    const { status, stdout, stderr } = await runCaptures(
      ['metrics', 'measured', '--watch'],
      options,
    );
    expect({ status, looks: looks > 2 }).toEqual({ status: 9, looks: true });
    expect(stdout).toContain('work does not answer; asking again for up to 1m.');
    expect(stderr).toContain('closed the connection before it answered');
  });
});

describe('a report that is watched', () => {
  it('says on its screen that the server does not answer, and goes on when it is back', async () => {
    const test = new TestStore(systemClock);
    const ada = test.user('ada');
    const shop = test.environment({ admin: [ada] }, { server: SERVER, name: 'shop' });
    await recordedCapture(test, ada, shop, { status: 'RUNNING', statements: statements(30) });
    const { secret } = await new UserService(test.store, systemClock).createToken(ada, 'script');
    const other = await serveHome(test.store.directory, { version: '0.1.0' });
    between.to = other.port;
    const signals = new SignalDesk();
    let writes = 0;
    let lost = 0;
    let isBack = false;
    const result = await runCaptures(['report', 'friday', '--watch', '--interval', '1s'], {
      ...machine,
      env: { CAPTURES_TOKEN: secret },
      tty: 140,
      signals,
      onWrite: () => {
        writes += 1;
        if (writes === 3) {
          between.fateOf = () => {
            lost += 1;
            if (lost > 1) between.fateOf = () => 'through';
            isBack = lost > 1;
            return 'lost';
          };
          between.cut();
        }
        // The notice, its end, and a look behind that.
        if (isBack && writes > 7) signals.deliver('SIGINT');
      },
    });
    await other.close();
    expect(result.status).toBe(130);
    expect(result.stdout).toMatch(
      /work does not answer; asking again for up to 1m\. Ctrl-C ends this view only\./,
    );
    const screens = result.stdout.split('\u001b[H');
    expect(screens.at(-1)).not.toContain('asking again');
    expect(screens.at(-1)).toContain('shop/friday RUNNING');
    expect(result.stderr).not.toContain('asking again');
    // And keeps the rate that it had.
    expect(screens[1]).toContain('now -');
    expect(screens.slice(3).join()).not.toContain('now -');
  });
});
