import { describe, expect, it } from 'vitest';
import { StoreBusy } from '../../src/core/errors.ts';
import { WriteGate } from '../../src/http/server/write-gate.ts';
import { ManualClock } from '../support/manual-clock.ts';

class Lock {
  isLocked = true;
  /** Looks that find it free, whatever it is. */
  readonly freeAt = new Set<number>();
  looks = 0;
  readonly clock = new ManualClock();
  readonly gate = new WriteGate(() => this.#try(), 1_000, this.clock);
  readonly here = new AbortController();
  readonly passed: string[] = [];

  async pass(name: string): Promise<void> {
    try {
      await this.gate.pass(this.here.signal);
      this.passed.push(name);
    } catch (error) {
      this.passed.push(`${name}: ${error instanceof StoreBusy ? 'busy' : String(error)}`);
    }
  }

  #try(): void {
    this.looks += 1;
    if (this.isLocked && !this.freeAt.has(this.looks)) throw new StoreBusy('It is busy');
  }
}

describe('a request that changes something', () => {
  it('passes at once where nobody else writes', async () => {
    const lock = new Lock();
    lock.isLocked = false;
    await lock.pass('one');
    expect([lock.passed, lock.looks]).toEqual([['one'], 1]);
  });

  it('waits until the store is free', async () => {
    const lock = new Lock();
    const all = [lock.pass('one'), lock.pass('two')];
    await lock.clock.advance(990);
    expect(lock.passed).toEqual([]);
    lock.isLocked = false;
    await lock.clock.advance(10);
    await Promise.all(all);
    expect(lock.passed).toEqual(['one', 'two']);
  });

  it('waits a second at most, each for itself, and then nobody looks any more', async () => {
    const lock = new Lock();
    const first = lock.pass('one');
    await lock.clock.advance(500);
    const second = lock.pass('two');
    await lock.clock.advance(500);
    await first;
    expect(lock.passed).toEqual(['one: busy']);
    await lock.clock.advance(500);
    await second;
    expect(lock.passed).toEqual(['one: busy', 'two: busy']);
    await lock.clock.advance(100);
    const { looks } = lock;
    await lock.clock.advance(60_000);
    expect(lock.looks).toBe(looks);
    const third = lock.pass('three');
    lock.isLocked = false;
    await lock.clock.advance(20);
    await third;
    expect(lock.passed.at(-1)).toBe('three');
  });

  it('is looked for together, however many wait', async () => {
    const lock = new Lock();
    const all = Array.from({ length: 100 }, (_, index) => lock.pass(String(index)));
    await lock.clock.advance(900);
    // Each once, and then every ten milliseconds.
    expect(lock.looks).toBeLessThanOrEqual(100 + 92);
    lock.isLocked = false;
    await lock.clock.advance(10);
    await Promise.all(all);
    expect(lock.passed).toHaveLength(100);
  });

  it('waits on where another took the moment in which it was free', async () => {
    const lock = new Lock();
    // Found locked, free at once, and locked again.
    lock.freeAt.add(2);
    for (const name of ['one', 'two']) {
      const passing = lock.pass(name);
      await lock.clock.advance(500);
      expect(lock.passed).not.toContain(name);
      lock.isLocked = false;
      await lock.clock.advance(10);
      await passing;
      expect(lock.passed).toContain(name);
      lock.isLocked = true;
    }
  });

  it('is not waited for when its client has gone', async () => {
    const lock = new Lock();
    const one = lock.pass('one');
    lock.here.abort('gone');
    await one;
    expect(lock.passed).toEqual(['one: gone']);
  });
});
