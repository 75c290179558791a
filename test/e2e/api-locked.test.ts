import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { endStarted, eventually } from '../support/processes.ts';
import { Workplace } from './workplace.ts';

let place: Workplace;
let token: string;
beforeAll(async () => {
  place = await Workplace.make();
  await place.given(['env', 'create', 'shop']);
  for (let number = 1; number <= 4; number++) {
    await place.given(['create', `c${number}`, '--env', 'shop', '--at', '2099-01-01T00:00Z']);
  }
  const created = await place.given(['token', 'create', '--name', 'script', '--json']);
  ({ token } = JSON.parse(created.stdout) as { token: string });
});
afterEach(() => endStarted());
afterAll(() => place.close());

const LOCKED_MS = 5_000;

describe('a store that another process holds locked', () => {
  it('keeps writes waiting for a second, and no read', async () => {
    const daemon = place.start(['daemon', '--listen', '127.0.0.1:0']);
    const url = await eventually('it listens', () => /"url":"([^"]+)"/.exec(daemon.stderr())?.[1]);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const get = (): Promise<Response> => fetch(`${url}/api/captures`, { headers });
    const rename = (id: number, name: string): Promise<Response> =>
      fetch(`${url}/api/captures/${id}`, {
        method: 'PUT',
        headers,
        body: JSON.stringify({ name }),
      });
    expect((await get()).status).toBe(200);
    expect((await rename(1, 'first')).status).toBe(200);

    const db = new Database(join(place.home, 'captures.db'));
    db.exec('BEGIN IMMEDIATE');
    let isHeld = true;
    const isLocked = (): boolean => isHeld;
    const writes: { status: number; took: number }[] = [];
    const reads: number[] = [];
    const write = async (id: number): Promise<void> => {
      for (let turn = 0; isLocked(); turn++) {
        const began = performance.now();
        const { status } = await rename(id, `c${id}-${turn}`);
        if (isLocked()) writes.push({ status, took: performance.now() - began });
      }
    };
    const read = async (): Promise<void> => {
      while (isLocked()) {
        const began = performance.now();
        expect((await get()).status).toBe(200);
        reads.push(performance.now() - began);
        await delay(5);
      }
    };
    const all = Promise.all([write(1), write(2), write(3), write(4), read()]);
    await delay(LOCKED_MS);
    isHeld = false;
    db.exec('COMMIT');
    db.close();
    await all;

    // Where writes wait for the lock inside of SQLite, one after another, three reads are answered in five seconds.
    expect(reads.length).toBeGreaterThan(20);
    expect(writes.length).toBeGreaterThan(0);
    for (const { status, took } of writes) {
      expect(status).toBe(503);
      expect(took).toBeGreaterThan(900);
    }
    expect((await rename(1, 'last')).status).toBe(200);
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  });
});
