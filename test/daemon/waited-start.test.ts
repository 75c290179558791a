import { expect, it } from 'vitest';
import { openStore } from '../../src/store/sqlite-store.ts';
import { initialisedHome, runCaptures } from '../support/cli.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { eventually } from '../support/processes.ts';
import { MINUTE, startDaemon, type RunningDaemon } from './daemons.ts';

it('a scheduled start that a command waits for is made by a daemon that it starts when it is due', async () => {
  const home = await initialisedHome();
  await runCaptures(['env', 'create', 'shop', '--region', 'r', '--instance', 'i'], { home });
  const clock = new ManualClock(Date.now());
  const daemons: { readonly at: number; readonly daemon: RunningDaemon }[] = [];
  const begun = clock.now();
  const created = runCaptures(
    [
      'create',
      'later',
      '--env',
      'shop',
      '--at',
      '+10m',
      '--duration',
      '1m',
      '--wait',
      '--output',
      'name',
    ],
    {
      home,
      clock,
      startDaemon: () => {
        const daemon = startDaemon(home, clock, { background: true });
        daemons.push({ at: clock.now() - begun, daemon });
        return Promise.resolve({ pid: 4_711, logFile: 'daemon.log' });
      },
    },
  );
  let isOver = false;
  void created.finally(() => (isOver = true));
  /** Time passes in small steps until then: the command also does what takes real time. */
  const goOn = (what: string, isThen: () => boolean) =>
    eventually(what, async () => {
      await clock.advance(500);
      return isOver || isThen();
    });
  const seconds = (count: number): (() => boolean) => {
    const end = clock.now() + count * 1_000;
    return () => clock.now() >= end;
  };
  const store = openStore(home);
  await eventually('it is scheduled', () => store.captures.find(1));
  store.close();
  await goOn('time passes', seconds(2));
  clock.set(begun + 9 * MINUTE);
  await goOn('time passes', seconds(2));
  expect(daemons).toEqual([]);
  clock.set(begun + 9.5 * MINUTE);
  // Before the clock is set again: a daemon that is coming up would be taken for one that does not.
  await goOn('it runs', () => daemons[0]?.daemon.events.includes('capture running') === true);
  clock.set(begun + 10.9 * MINUTE);
  await goOn('it is over', () => isOver);
  const { status, stdout, stderr } = await created;
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'shop/later\n', stderr });
  expect(stderr).toContain('this command starts one in the background when the capture is due');
  expect(stderr).not.toContain('No daemon is running');
  const [first, ...others] = daemons;
  expect(others).toEqual([]);
  expect(first?.at).toBeGreaterThan(9 * MINUTE);
  expect(first?.at).toBeLessThan(10 * MINUTE);
  await first?.daemon.done;
  expect(first?.daemon.events).toContain('capture running');
});
