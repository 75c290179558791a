import { beforeAll, expect, test } from 'vitest';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import type { ServerInspection } from '../../src/core/environments/server-inspection.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { initialisedHome, runCaptures } from '../support/cli.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';

/** A server whose log is off until it was looked at so often. */
class SwitchedLater extends FakeSource {
  looks = 0;
  readonly #onAfter: number;
  readonly #onLook: (looks: number) => void;

  constructor(onAfter: number, onLook: (looks: number) => void = () => undefined) {
    super(inspectionOf());
    this.#onAfter = onAfter;
    this.#onLook = onLook;
  }

  override inspect(): Promise<ServerInspection> {
    this.looks++;
    this.#onLook(this.looks);
    const generalLog = this.looks > this.#onAfter;
    const logOutput = generalLog ? 'TABLE' : 'FILE';
    return Promise.resolve(
      inspectionOf({
        logSwitch: 'owner',
        settings: { generalLog, logOutput, slowLog: false, tableEngine: 'CSV' },
      }),
    );
  }
}

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  const url = 'mysql://recorder@db.example';
  const { status } = await runCaptures(['env', 'create', 'shop', '--url', url], { home });
  expect(status).toBe(0);
});

async function names(): Promise<string> {
  return (await runCaptures(['list', '-o', 'name'], { home })).stdout;
}

test('a log that is off fails a create at once where there is no terminal, with what to run', async () => {
  const serverLogs = new SwitchedLater(1);
  const { status, stderr } = await runCaptures(['create', 'a', '--env', 'shop', '--json'], {
    home,
    serverLogs,
  });
  expect(status).toBe(9);
  const { message, hint } = JSON.parse(stderr) as { message: string; hint: string };
  expect(message).toBe(
    'The general log of db1:3306 is off, and only its parameter group can change that',
  );
  expect(hint).toContain('captures env edit shop --instance ID --region R');
  expect(hint).toContain('aws rds modify-db-parameter-group --db-parameter-group-name GROUP');
  expect(await names()).toBe('');
});

test('env check says the same, and exits 9', async () => {
  const { status, stdout } = await runCaptures(['env', 'check', 'shop'], {
    home,
    tty: 120,
    serverLogs: new SwitchedLater(1),
  });
  expect(status).toBe(9);
  expect(stdout).toContain('aws rds modify-db-parameter-group');
  expect(stdout).toContain('No capture can start: The general log of db1:3306 is off');
});

test('on a terminal Ctrl-C ends the wait, and nothing is stored', async () => {
  const signals = new SignalDesk();
  const clock = new ManualClock(Date.UTC(2026, 10, 22));
  const serverLogs = new SwitchedLater(99, (looks) => {
    if (looks === 1) setImmediate(() => void signals.deliver('SIGINT'));
  });
  const { status, stderr } = await runCaptures(['create', 'a', '--env', 'shop'], {
    home,
    tty: 120,
    env: { CI: '' },
    clock,
    signals,
    serverLogs,
  });
  expect(stderr).toContain('Waiting until it is on.');
  expect(status).toBe(130);
  expect(await names()).toBe('');
});
