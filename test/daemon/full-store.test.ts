import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NO_DISK, smallDisk, type SmallDisk } from '../e2e/small-disk.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TestStore } from '../support/stores.ts';
import { MINUTE, startDaemon } from './daemons.ts';
import { needs } from '../support/skips.ts';

const disk: SmallDisk | null = smallDisk('8m');

describe('a store on a full disk', needs(disk !== null, NO_DISK), () => {
  it('keeps a start until there is space, and then makes it within the grace', async () => {
    const clock = new ManualClock();
    const test = new TestStore(clock, join(disk?.folder ?? '', 'home'));
    const ada = test.user('ada');
    const environment = test.environment({ admin: [ada] });
    const { id } = test.capture(ada, environment, {
      scheduledStart: clock.now() + MINUTE,
      duration: 5 * MINUTE,
    });
    const daemon = startDaemon(test.store.directory, clock);
    await clock.advance(1_000);
    disk?.fill();
    await clock.advance(3 * MINUTE);
    expect(daemon.events).toContain('store not usable');
    expect(test.store.captures.find(id)?.status).toBe('SCHEDULED');
    disk?.unfill();
    await clock.advance(5_000);
    expect(test.store.captures.find(id)).toMatchObject({ status: 'RUNNING' });
    // A line when it began to fail, not one for each try.
    expect(daemon.events.filter((event) => event === 'store not usable')).toHaveLength(1);
    await daemon.leave();
    test.store.close();
  });
});
