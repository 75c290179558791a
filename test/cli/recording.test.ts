import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { World } from '../../src/cli/runtime/world.ts';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import type { CaptureStatus } from '../../src/core/captures/capture.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { ServerInspection } from '../../src/core/environments/server-inspection.ts';
import type { Store } from '../../src/core/store.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import {
  CTRL_C,
  initialisedHome,
  runCaptures,
  type CliOptions,
  type CliResult,
} from '../support/cli.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await runCaptures(['env', 'create', 'shop', '--url', 'mysql://r@db1'], { home });
  await runCaptures(['env', 'create', 'dead', '--url', 'mysql://r@127.0.0.1:1'], { home });
});

/**
 * What a daemon does, as far as a command can see it: rows of the store that change. It takes the
 * lease when it is started and moves captures whenever the command sleeps.
 */
class StoreOfADaemon {
  readonly clock: Clock;
  starts = 0;
  comesUp = true;
  host = 'h';
  /** Moves every capture from one status to another; null leaves it there. */
  moves: Partial<Record<CaptureStatus, CaptureStatus>> = {
    STARTED: 'STARTING',
    STARTING: 'RUNNING',
    STOPPING: 'DONE',
  };
  reason = 'the server went away';
  #now = Date.now();

  constructor() {
    this.clock = {
      now: () => this.#now,
      sleep: (ms) => {
        this.#now += ms;
        this.#work();
        // The command must see a change of another connection only after it has slept.
        return new Promise((resolve) => void setImmediate(resolve));
      },
    };
  }

  readonly start: World['startDaemon'] = () => {
    this.starts += 1;
    if (this.comesUp) this.#withStore((store) => this.#lead(store));
    return Promise.resolve({ pid: 4_711, logFile: join(home, 'daemon.log') });
  };

  /** Lets the lease lapse, as kill -9 would. */
  die(): void {
    this.#withStore((store) => store.lease.release('daemon'));
  }

  #lead(store: Store): void {
    store.lease.claim(
      { holder: 'daemon', host: this.host, pid: 4_711, background: true },
      this.#now,
      3_000,
    );
  }

  #work(): void {
    this.#withStore((store) => {
      if (!store.lease.isHeldBy('daemon', this.#now)) return;
      store.lease.renew('daemon', this.#now, 3_000);
      const open = store.captures.listByStatus(['STARTED', 'STARTING', 'STOPPING']);
      for (const { id, status } of open) {
        const to = this.moves[status];
        if (to === undefined) continue;
        store.captures.move(id, status, to, {
          ...(to === 'RUNNING' ? { start: this.#now } : {}),
          ...(to === 'DONE' ? { end: this.#now } : {}),
          ...(to === 'FAILED' ? { reason: this.reason } : {}),
        });
      }
    });
  }

  #withStore(work: (store: Store) => void): void {
    const store = openStore(home);
    work(store);
    store.close();
  }
}

function run(
  argv: readonly string[],
  daemon: StoreOfADaemon,
  options: CliOptions & { inspection?: Partial<ServerInspection> } = {},
): Promise<CliResult> {
  return runCaptures(argv, {
    home,
    clock: daemon.clock,
    startDaemon: daemon.start,
    serverLogs: new FakeSource(inspectionOf(options.inspection)),
    ...options,
  });
}

let names = 0;
function newName(): string {
  names += 1;
  return `recording ${names}`;
}

async function statusOf(name: string): Promise<string> {
  const { stdout } = await runCaptures(['get', name, '--json'], { home });
  return stdout === '' ? 'none' : (JSON.parse(stdout) as { status: string }).status;
}

async function noCaptureIsLeft(daemon: StoreOfADaemon): Promise<void> {
  const { stdout } = await run(['list', '--all', '--json'], daemon);
  const captures = JSON.parse(stdout) as { id: number; status: string }[];
  const ids = captures.map(({ id }) => String(id));
  if (ids.length > 0) await run(['delete', ...ids, '--yes'], daemon);
  daemon.die();
}

describe('create on an environment with a server', () => {
  it('starts a daemon, says so, and waits until it is RUNNING', async () => {
    const daemon = new StoreOfADaemon();
    const name = newName();
    const result = await run(['create', name, '--env', 'shop', '-o', 'name'], daemon);
    expect(result).toEqual({
      status: 0,
      stdout: `shop/${name}\n`,
      stderr: `no daemon was running: started one in the background (pid 4711, log ${home}/daemon.log)\n`,
    });
    expect([daemon.starts, await statusOf(name)]).toEqual([1, 'RUNNING']);
    const second = newName();
    const again = await run(['create', second, '--env', 'shop', '--json'], daemon);
    expect([again.stderr, daemon.starts]).toEqual(['', 1]);
    await noCaptureIsLeft(daemon);
  });

  it('returns STARTED at once with --no-wait', async () => {
    const daemon = new StoreOfADaemon();
    const { status, stdout } = await run(
      ['create', newName(), '--env', 'shop', '--no-wait', '--json'],
      daemon,
    );
    expect([status, (JSON.parse(stdout) as { status: string }).status]).toEqual([0, 'STARTED']);
    await noCaptureIsLeft(daemon);
  });

  it('exits 8 with the reason when it FAILED after the hand-over', async () => {
    const daemon = new StoreOfADaemon();
    daemon.moves = { STARTED: 'STARTING', STARTING: 'FAILED' };
    const name = newName();
    const result = await run(['create', name, '--env', 'shop', '--json'], daemon);
    expect([result.status, result.stdout]).toEqual([8, '']);
    expect(JSON.parse(result.stderr)).toMatchObject({
      code: 424,
      message: `The capture "${name}" failed: the server went away`,
    });
    await noCaptureIsLeft(daemon);
  });

  it('starts another daemon when none comes up, and gives up after the third', async () => {
    const daemon = new StoreOfADaemon();
    daemon.comesUp = false;
    const name = newName();
    const result = await run(['create', name, '--env', 'shop', '--json'], daemon);
    expect([result.status, result.stdout, daemon.starts]).toEqual([8, '', 3]);
    expect(JSON.parse(result.stderr)).toEqual({
      code: 424,
      message: 'The daemon does not start',
      hint: `See why in ${home}/daemon.log, or run it in a terminal: captures daemon`,
    });
    expect(await statusOf(name)).toBe('STARTED');
    await noCaptureIsLeft(daemon);
  });

  it.each([
    [
      9,
      'a missing privilege',
      {
        privileges: [
          {
            privilege: 'SUPER',
            purpose: 'p',
            state: 'missing' as const,
            grant: 'GRANT SUPER ON *.* TO `r`@`%`',
            required: true,
          },
        ],
      },
    ],
    [6, 'another recorder', { lockHolder: { connectionId: 9, user: 'eve', host: 'h' } }],
    [
      6,
      'a schema of somebody else',
      { schema: { state: 'foreign' as const, storeId: null, nonce: null } },
    ],
  ])('exits %i because of %s, and stores nothing', async (status, _why, inspection) => {
    const daemon = new StoreOfADaemon();
    const name = newName();
    const result = await run(['create', name, '--env', 'shop'], daemon, { inspection });
    expect([result.status, result.stdout, daemon.starts]).toEqual([status, '', 0]);
    expect(await statusOf(name)).toBe('none');
  });

  it('warns where the server has no dead-man switch, unless none is asked for', async () => {
    const daemon = new StoreOfADaemon();
    const inspection = { deadManObstacle: 'The log would go on. Run there: SET GLOBAL x = ON' };
    const create = (...more: string[]): Promise<CliResult> =>
      run(['create', newName(), '--env', 'shop', ...more], daemon, { inspection });
    const warned = await create();
    expect(warned.status).toBe(0);
    expect(warned.stderr).toContain(`warning: ${inspection.deadManObstacle}\n`);
    const quiet = await create('--dead-man', 'none');
    expect([quiet.status, quiet.stderr.includes('SET GLOBAL')]).toEqual([0, false]);
    await noCaptureIsLeft(daemon);
  });

  it('starts where our own daemon holds the server already', async () => {
    const store = openStore(home);
    const tap = store.taps.insert(
      {
        serverKey: 'server-1',
        nonce: 'nonce',
        environmentId: 1,
        settings: inspectionOf().settings,
      },
      Date.now(),
    );
    store.taps.addConnection(tap.id, { connectionId: 9, serverStart: null });
    store.close();
    const daemon = new StoreOfADaemon();
    const result = await run(['create', newName(), '--env', 'shop', '--json'], daemon, {
      inspection: { lockHolder: { connectionId: 9, user: 'r', host: 'h' } },
    });
    expect(result.status).toBe(0);
    await noCaptureIsLeft(daemon);
    const closing = openStore(home);
    closing.taps.delete(tap.id);
    closing.close();
  });

  it('exits 9 when the server cannot be reached, and stores nothing', async () => {
    const name = newName();
    const result = await runCaptures(['create', name, '--env', 'dead', '--json'], { home });
    expect([result.status, result.stdout]).toEqual([9, '']);
    expect(JSON.parse(result.stderr)).toMatchObject({ code: 502 });
    expect(await statusOf(name)).toBe('none');
  });

  it('checks the name before it connects', async () => {
    const result = await runCaptures(['create', 'a/b', '--env', 'dead', '--json'], { home });
    expect(JSON.parse(result.stderr)).toMatchObject({ code: 400 });
  });

  it('needs no server and no daemon to be scheduled', async () => {
    const name = newName();
    const result = await runCaptures(['create', name, '--env', 'dead', '--at', '+1h'], { home });
    expect(result.status).toBe(0);
    expect(result.stderr).toContain('warning: No daemon is running to start it');
    await runCaptures(['delete', name, '--yes'], { home });
  });

  it('leaves the capture to its daemon at Ctrl-C', async () => {
    const daemon = new StoreOfADaemon();
    daemon.moves = {};
    const signals = new SignalDesk();
    const name = newName();
    const { clock } = daemon;
    const result = await run(['create', name, '--env', 'shop'], daemon, {
      signals,
      clock: {
        now: () => clock.now(),
        sleep: (ms, signal) => {
          signals.deliver('SIGTERM');
          return clock.sleep(ms, signal);
        },
      },
    });
    expect([result.status, result.stdout]).toEqual([143, '']);
    expect(result.stderr).toContain(`${name} continues. To stop it: captures stop`);
    expect(await statusOf(name)).toBe('STARTED');
    await noCaptureIsLeft(daemon);
  });
});

describe('a capture without an end', () => {
  it('is told of on a terminal, with how to end it, where it records now', async () => {
    const daemon = new StoreOfADaemon();
    const name = newName();
    const note = `${name} has no end. To end it: captures stop 'shop/${name}'\n`;
    const endless = await run(['create', name, '--env', 'shop'], daemon, { tty: 100 });
    expect(endless.stderr).toContain(note);
    for (const [options, more] of [
      [['--duration', '15m'], { tty: 100 }],
      [['--at', '+1h'], { tty: 100 }],
      [['--json'], { tty: 100 }],
      [[], {}],
    ] as const) {
      const other = await run(['create', newName(), '--env', 'shop', ...options], daemon, more);
      expect([other.status, other.stderr.includes('has no end')]).toEqual([0, false]);
    }
    await noCaptureIsLeft(daemon);
  });
});

describe('create -- COMMAND', () => {
  it('exits 8 when the command succeeded and the capture did not', async () => {
    const daemon = new StoreOfADaemon();
    const name = newName();
    const result = await run(['create', name, '--env', 'shop', '--', 'true'], daemon, {
      runCommand: () => {
        daemon.moves = { STOPPING: 'FAILED' };
        return Promise.resolve({ status: 0 });
      },
    });
    expect([result.status, result.stdout]).toEqual([8, '']);
    expect(result.stderr).toContain(`The capture "${name}" failed: the server went away`);
    await noCaptureIsLeft(daemon);
  });

  it('exits with the command’s status when both failed, and says that the capture did', async () => {
    const daemon = new StoreOfADaemon();
    const result = await run(['create', newName(), '--env', 'shop', '--', 'false'], daemon, {
      runCommand: () => {
        daemon.moves = { STOPPING: 'FAILED' };
        return Promise.resolve({ status: 3 });
      },
    });
    expect(result.status).toBe(3);
    expect(result.stderr).toContain('failed: the server went away');
    await noCaptureIsLeft(daemon);
  });

  it.each([['SIGINT', 130] as const, ['SIGTERM', 143] as const])(
    'ends the capture at a %s that comes before the command runs',
    async (signal, status) => {
      const daemon = new StoreOfADaemon();
      const { moves } = daemon;
      daemon.moves = {};
      const name = newName();
      const signals = new SignalDesk();
      let isDelivered = false;
      const clock: Clock = {
        now: () => daemon.clock.now(),
        sleep: (ms, aborted) => {
          if (!isDelivered) signals.deliver(signal);
          else daemon.moves = moves;
          isDelivered = true;
          return daemon.clock.sleep(ms, aborted);
        },
      };
      const argv = ['create', name, '--env', 'shop', '--', 'true'];
      const result = await run(argv, daemon, { signals, clock });
      expect([result.status, result.stdout]).toEqual([status, '']);
      expect(result.stderr).toContain(`Ending the capture ${name}: its command has not been run.`);
      expect([isDelivered, await statusOf(name)]).toEqual([true, 'DONE']);
      await noCaptureIsLeft(daemon);
    },
  );

  it('ends the capture where Ctrl-C is heard of only when the command has gone', async () => {
    const daemon = new StoreOfADaemon();
    const name = newName();
    const signals = new SignalDesk();
    const result = await run(['create', name, '--env', 'shop', '--', 'true'], daemon, {
      signals,
      runCommand: () => {
        signals.deliver('SIGINT');
        return Promise.resolve({ status: 130 });
      },
    });
    expect([result.status, await statusOf(name)]).toEqual([130, 'DONE']);
    expect(result.stderr).toContain('Recorded ');
    await noCaptureIsLeft(daemon);
  });

  it.each([
    ['waits for the end at one Ctrl-C', 1, 3, 'DONE'],
    ['leaves the end to the daemon at two', 2, 130, 'STOPPING'],
  ])('%s while the capture is being stopped', async (_what, times, status, left) => {
    const daemon = new StoreOfADaemon();
    const name = newName();
    const signals = new SignalDesk();
    let remaining = 0;
    const clock: Clock = {
      now: () => daemon.clock.now(),
      sleep: (ms, aborted) => {
        if (remaining > 0) signals.deliver('SIGINT');
        else daemon.moves = { ...daemon.moves, STOPPING: 'DONE' };
        remaining -= 1;
        return daemon.clock.sleep(ms, aborted);
      },
    };
    const result = await run(['create', name, '--env', 'shop', '--', 'false'], daemon, {
      signals,
      clock,
      runCommand: () => {
        daemon.moves = {};
        remaining = times;
        return Promise.resolve({ status: 3 });
      },
    });
    expect([result.status, await statusOf(name)]).toEqual([status, left]);
    expect(result.stderr).toContain(`Ending the capture ${name}. To leave before its end: `);
    daemon.moves = { STOPPING: 'DONE' };
    await noCaptureIsLeft(daemon);
  });

  it('does not run the command when the capture does not start', async () => {
    const daemon = new StoreOfADaemon();
    daemon.moves = { STARTED: 'FAILED' };
    const result = await run(['create', newName(), '--env', 'shop', '--', 'true'], daemon);
    expect([result.status, result.stdout]).toEqual([8, '']);
    await noCaptureIsLeft(daemon);
  });
});

describe('create --wait', () => {
  /** Sends Ctrl-C once the capture has been RUNNING for a while. */
  function interrupting(daemon: StoreOfADaemon, signals: SignalDesk, times: number): Clock {
    let sleeps = 0;
    return {
      now: () => daemon.clock.now(),
      sleep: (ms, signal) => {
        sleeps += 1;
        if (sleeps > 10 && times > 0) {
          times -= 1;
          signals.deliver('SIGINT');
        }
        return daemon.clock.sleep(ms, signal);
      },
    };
  }

  it('asks at Ctrl-C whether to stop, and waits for the end after a yes', async () => {
    const daemon = new StoreOfADaemon();
    const signals = new SignalDesk();
    const result = await run(['create', newName(), '--env', 'shop', '--wait', '--json'], daemon, {
      signals,
      clock: interrupting(daemon, signals, 1),
      tty: 80,
      answers: [{ to: 'Stop the capture', answer: true }],
    });
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'DONE' });
    await noCaptureIsLeft(daemon);
  });

  it.each([
    ['a no', false],
    ['Ctrl-C at that question', CTRL_C],
  ])('leaves it running after %s, and says so', async (_what, answer) => {
    const daemon = new StoreOfADaemon();
    const signals = new SignalDesk();
    const name = newName();
    const result = await run(['create', name, '--env', 'shop', '--wait'], daemon, {
      signals,
      clock: interrupting(daemon, signals, 1),
      tty: 80,
      answers: [{ to: 'Stop the capture', answer }],
    });
    expect([result.status, result.stdout]).toEqual([130, '']);
    expect(result.stderr).toContain(`${name} continues. To stop it: captures stop`);
    expect(await statusOf(name)).toBe('RUNNING');
    await noCaptureIsLeft(daemon);
  });

  it('leaves it running without a terminal', async () => {
    const daemon = new StoreOfADaemon();
    const signals = new SignalDesk();
    const name = newName();
    const result = await run(['create', name, '--env', 'shop', '--wait'], daemon, {
      signals,
      clock: interrupting(daemon, signals, 1),
    });
    expect([result.status, result.stdout]).toEqual([130, '']);
    expect(await statusOf(name)).toBe('RUNNING');
    await noCaptureIsLeft(daemon);
  });
});

describe('a capture that is being recorded', () => {
  async function recorded(daemon: StoreOfADaemon): Promise<{ id: number; name: string }> {
    const { stdout } = await run(['create', newName(), '--env', 'shop', '--json'], daemon);
    return JSON.parse(stdout) as { id: number; name: string };
  }

  it('is stopped with a new daemon when none is running, and waited for', async () => {
    const daemon = new StoreOfADaemon();
    const { name } = await recorded(daemon);
    daemon.die();
    const list = await run(['list', '--json'], daemon);
    expect(list.stderr).toBe(
      "warning: A capture is being recorded but no daemon is running: the server's log is on and nothing reads it. Start one with: captures daemon; to end it by hand: captures recover\n",
    );
    const missing = await run(['get', 'nope', '--json'], daemon);
    expect(missing.stderr).toBe(
      '{"code":404,"message":"Capture not found","hint":"To see those of your environments: captures list"}\n',
    );
    const stopped = await run(['stop', name, '--json'], daemon);
    expect([stopped.status, daemon.starts]).toEqual([0, 2]);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ status: 'DONE' });
    await noCaptureIsLeft(daemon);
  });

  it('is STOPPING with stop --no-wait, and cannot be stopped twice', async () => {
    const daemon = new StoreOfADaemon();
    const { name } = await recorded(daemon);
    daemon.moves = {};
    const stopped = await run(['stop', name, '--no-wait', '--json'], daemon);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ status: 'STOPPING' });
    const again = await run(['stop', name, '--json'], daemon);
    expect([again.status, JSON.parse(again.stderr)]).toMatchObject([6, { code: 409 }]);
    daemon.moves = { STOPPING: 'DONE' };
    await noCaptureIsLeft(daemon);
  });

  it('has a daemon started by stop --no-wait within the lease of a killed one, and by a second stop', async () => {
    const daemon = new StoreOfADaemon();
    daemon.host = 'test-host';
    const { name } = await recorded(daemon);
    daemon.moves = {};
    const killed = { isRunning: () => false };
    const stopped = await run(['stop', name, '--no-wait', '--json'], daemon, killed);
    expect([stopped.status, daemon.starts]).toEqual([0, 2]);
    const again = await run(['stop', name, '--no-wait', '--json'], daemon, killed);
    expect([again.status, daemon.starts]).toEqual([6, 3]);
    expect(again.stderr).toContain('This capture has already been stopped');
    daemon.die();
    const later = await run(['stop', name, '--json'], daemon);
    expect([later.status, daemon.starts]).toEqual([6, 4]);
    daemon.moves = { STOPPING: 'DONE' };
    await noCaptureIsLeft(daemon);
  });

  it('has its live line taken away before a note is written', async () => {
    const daemon = new StoreOfADaemon();
    const { name } = await recorded(daemon);
    daemon.moves = {};
    let sleeps = 0;
    const clock: Clock = {
      now: () => daemon.clock.now(),
      sleep: (ms, signal) => {
        sleeps += 1;
        if (sleeps === 5) daemon.die();
        if (sleeps === 10) daemon.moves = { STOPPING: 'DONE' };
        return daemon.clock.sleep(ms, signal);
      },
    };
    const stopped = await run(['stop', name], daemon, { tty: 80, clock });
    expect(stopped.stderr).toMatch(/STOPPING[^\r\n]*\r\u001b\[Kno daemon was running/);
    await noCaptureIsLeft(daemon);
  });

  it('that fails while it is stopped exits 8', async () => {
    const daemon = new StoreOfADaemon();
    const { name } = await recorded(daemon);
    daemon.moves = { STOPPING: 'FAILED' };
    const stopped = await run(['stop', name, '--json'], daemon);
    expect([stopped.status, stopped.stdout]).toEqual([8, '']);
    await noCaptureIsLeft(daemon);
  });

  it.each([
    ['and its workload', [], false],
    ['but not its workload with --keep-workload', ['--keep-workload'], true],
  ])('is stopped, waited for and deleted %s', async (_what, options, isKept) => {
    const daemon = new StoreOfADaemon();
    const { id, name } = await recorded(daemon);
    const folder = join(home, 'captures', String(id));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'manifest.json'), '{}');
    const deleted = await run(['delete', name, '--yes', ...options], daemon);
    expect([deleted.status, deleted.stdout]).toEqual([0, '']);
    expect(deleted.stderr).toContain(`Stopping ${name} first.\n`);
    expect(await statusOf(name)).toBe('none');
    expect(existsSync(folder)).toBe(isKept);
    if (isKept) expect(deleted.stderr).toContain(`its workload stays in ${folder}.`);
    daemon.die();
  });

  it('is deleted while it is still STARTING', async () => {
    const daemon = new StoreOfADaemon();
    daemon.moves = { STARTED: 'STARTING' };
    const name = newName();
    await run(['create', name, '--env', 'shop', '--no-wait'], daemon);
    await daemon.clock.sleep(1);
    expect(await statusOf(name)).toBe('STARTING');
    daemon.moves = { STARTING: 'RUNNING', STOPPING: 'DONE' };
    expect((await run(['delete', name, '--yes'], daemon)).status).toBe(0);
    expect(await statusOf(name)).toBe('none');
    daemon.die();
  });

  it('has an empty workload before anything is committed', async () => {
    const daemon = new StoreOfADaemon();
    const { name } = await recorded(daemon);
    expect(await run(['workload', name], daemon)).toEqual({ status: 0, stdout: '', stderr: '' });
    await noCaptureIsLeft(daemon);
  });
});

describe('daemon --status', () => {
  it('exits 8 when no daemon is running, and 0 with what it records when one is', async () => {
    const daemon = new StoreOfADaemon();
    const none = await run(['daemon', '--status', '--json'], daemon);
    expect([none.status, none.stderr, JSON.parse(none.stdout)]).toEqual([
      8,
      '',
      {
        alive: false,
        host: null,
        pid: null,
        since: null,
        background: null,
        recording: [],
        warmUps: [],
        nextStarts: [],
      },
    ]);
    const said = await run(['daemon', '--status'], daemon);
    expect(said).toMatchObject({ status: 8, stdout: '' });
    expect(said.stderr).toContain('No daemon is running');
    const name = newName();
    await run(['create', name, '--env', 'shop'], daemon);
    const alive = await run(['daemon', '--status', '--json'], daemon);
    expect([alive.status, JSON.parse(alive.stdout)]).toMatchObject([
      0,
      {
        alive: true,
        host: 'h',
        pid: 4_711,
        background: true,
        recording: [{ name, status: 'RUNNING' }],
      },
    ]);
    await noCaptureIsLeft(daemon);
  });

  it.each([
    ['--grace', 'soon'],
    ['--grace', '-5'],
    ['--log-level', 'loud'],
  ])('refuses %s %s', async (option, value) => {
    const refused = await runCaptures(['daemon', option, value], { home });
    expect([refused.status, refused.stdout]).toEqual([2, '']);
  });
});
