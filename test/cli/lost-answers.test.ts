import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { systemClock, type Clock } from '../../src/core/clock.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { Between } from '../support/between.ts';
import { initialisedHome, PASSWORD, runCaptures, type CliOptions } from '../support/cli.ts';
import { serveHome, type ServedHome } from '../support/served-home.ts';
import { recordedCapture } from '../support/recorded-captures.ts';
import { SERVER, temporaryFolder, TestStore } from '../support/stores.ts';
import { statements } from '../workload/recorded.ts';

/** Of the server. */
let home: string;
let server: ServedHome;
let between: Between;
let machine: CliOptions;
beforeAll(async () => {
  home = await initialisedHome();
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
  method === 'POST' && /^\/api\/captures(\?|$)/.test(url);

async function statusOf(capture: string): Promise<unknown> {
  const { stdout } = await runCaptures(['get', `shop/${capture}`, '--json'], machine);
  return (JSON.parse(stdout) as { status: unknown }).status;
}

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

  it('that is interrupted when it is done, before its answer came, says that the capture goes on', async () => {
    const signals = new SignalDesk();
    between.fateOf = (asked) => (isCreation(asked) ? 'answer held' : 'through');
    between.onHeld = () => void signals.deliver('SIGINT');
    const argv = ['create', 'held', '--env', 'shop'];
    const { status, stderr } = await runCaptures(argv, { ...machine, signals });
    expect(status).toBe(130);
    expect(stderr).toContain('held continues. To stop it: captures stop shop/held');
  });

  it('for a command that is interrupted then ends the capture', async () => {
    const signals = new SignalDesk();
    between.fateOf = (asked) => (isCreation(asked) ? 'answer held' : 'through');
    between.onHeld = () => void signals.deliver('SIGINT');
    const argv = ['create', 'held back', '--env', 'shop', '--', 'true'];
    const { status, stderr } = await runCaptures(argv, { ...machine, signals });
    expect(status).toBe(130);
    expect(stderr).toBe('Ending the capture held back: its command has not been run.\n');
    expect(await statusOf('held back')).toBe('DONE');
  });

  it('for a command, whose answer is lost, records it all the same', async () => {
    between.fateOf = (asked) => (isCreation(asked) ? 'answer lost' : 'through');
    const argv = ['create', 'lost sight', '--env', 'shop', '--', 'false'];
    const run = { ...machine, runCommand: () => Promise.resolve({ status: 3 }) };
    expect((await runCaptures(argv, run)).status).toBe(3);
    expect(await statusOf('lost sight')).toBe('DONE');
  });

  it.each([
    ['has to be ended', 'older', ['--', 'true']],
    ['is told of', 'older', []],
  ])(
    'leaves a capture alone that was there before, where its own %s',
    async (_what, name, more) => {
      await runCaptures(['create', name, '--env', 'shop'], machine);
      const signals = new SignalDesk();
      between.fateOf = (asked) => (isCreation(asked) ? 'answer held' : 'through');
      between.onHeld = () => void signals.deliver('SIGINT');
      const argv = ['create', name, '--env', 'shop', ...more];
      const { status, stderr } = await runCaptures(argv, { ...machine, signals });
      expect(status).toBe(130);
      expect(stderr).toMatch(/work has shop\/older \(id \d+, of ada\), which is RUNNING\./);
      expect(await statusOf(name)).toBe('RUNNING');
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

describe('create --wait', () => {
  it('waits on where the server does not answer for a while', async () => {
    let waits = 0;
    between.fateOf = ({ url = '' }) => {
      if (!url.includes('/wait')) return 'through';
      waits += 1;
      if (waits === 4) void runCaptures(['stop', 'waited for'], { home, over: 'store' });
      return waits === 1 || waits === 3 ? 'lost' : 'through';
    };
    const argv = ['create', 'waited for', '--env', 'shop', '--wait', '--json'];
    const { status, stdout } = await runCaptures(argv, { ...machine, clock: hurriedClock() });
    expect({ status, waits }).toEqual({ status: 0, waits: 4 });
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ status: 'DONE' });
  });
});

describe('create with a command', () => {
  const withCommand = (name: string, status: number, meanwhile: () => Promise<void> | void) =>
    runCaptures(['create', name, '--env', 'shop', '--', 'npm', 'test'], {
      ...machine,
      clock: hurriedClock(),
      runCommand: async () => {
        await meanwhile();
        return { status };
      },
    });
  const loseAll = (): void => {
    between.fateOf = () => 'lost';
  };

  it.each([
    [3, 3],
    [0, 9],
  ])(
    'that exits with %i when the server is away exits with %i, and says how to end the capture',
    async (its, status) => {
      const result = await withCommand(`away ${its}`, its, loseAll);
      expect(result.status).toBe(status);
      const text = result.stderr.replaceAll(/\s+/g, ' ');
      expect(text).toContain('closed the connection before it answered');
      expect(text).toMatch(
        /shop\/away \d \(id \d+\) on work may go on, and nothing else ends it\. To end it, once that is possible: captures stop 'shop\/away \d'/,
      );
    },
  );

  it.each([
    [3, 3],
    [0, 4],
  ])(
    'that exits with %i when the login has ended exits with %i, and says how to end the capture',
    async (its, status) => {
      const test = new TestStore(systemClock);
      const ada = test.user('ada');
      test.environment({ admin: [ada] }, { name: 'shop' });
      const users = new UserService(test.store, systemClock);
      const { secret } = await users.createToken(ada, 'ci');
      const other = await serveHome(test.store.directory, { version: '0.1.0' });
      between.to = other.port;
      const result = await runCaptures(['create', 'ended', '--env', 'shop', '--', 'npm', 'test'], {
        ...machine,
        env: { CAPTURES_TOKEN: secret },
        runCommand: async () => {
          await users.revokeToken(ada, 'ci');
          return { status: its };
        },
      });
      await other.close();
      expect(result.status).toBe(status);
      expect(result.stderr.replaceAll(/\s+/g, ' ')).toMatch(
        /shop\/ended \(id \d+\) on work goes on, and nothing else ends it\. To end it: captures stop shop\/ended/,
      );
    },
  );

  it('whose end is known, and what it recorded is not, exits with its status', async () => {
    let isEnded = false;
    const run = withCommand('known', 0, () => {
      between.fateOf = ({ url = '' }) => {
        if (isEnded) return 'lost';
        isEnded = url.includes('/end');
        return 'through';
      };
    });
    const { status, stderr } = await run;
    expect(status).toBe(0);
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain(
      'warning: The capture known is DONE. What it has is not known: The server',
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
