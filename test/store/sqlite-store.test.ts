import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs, { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { StoreBusy } from '../../src/core/errors.ts';
import { createStore, openStore } from '../../src/store/sqlite-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TestStore, temporaryFolder } from '../support/stores.ts';

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

function newStore(): string {
  const folder = join(temporaryFolder(), 'home');
  createStore(folder, { sharedGroup: null, now: 0 }, () => undefined).close();
  return folder;
}

describe('a new store', () => {
  it('is readable by its user alone, the files that SQLite adds too', () => {
    const folder = join(temporaryFolder(), 'home');
    const store = createStore(folder, { sharedGroup: null, now: 0 }, () => undefined);
    store.users.insert({ name: 'a', isAdmin: true, passwordHash: 'x' }, 0);
    expect(mode(folder)).toBe('700');
    for (const file of readdirSync(folder))
      expect([file, mode(join(folder, file))]).toEqual([file, '600']);
    store.close();
  });

  it('shared with a group is 2770, its files 0660', () => {
    const folder = join(temporaryFolder(), 'home');
    const group = process.getgid?.() ?? 0;
    const store = createStore(folder, { sharedGroup: group, now: 0 }, () => undefined);
    expect(mode(folder)).toBe('2770');
    for (const file of readdirSync(folder))
      expect([file, mode(join(folder, file))]).toEqual([file, '660']);
    expect(store.isShared).toBe(true);
    store.close();
  });

  it('leaves nothing behind when filling it fails', () => {
    const folder = join(temporaryFolder(), 'home');
    const fill = (): void => {
      throw new Error('no');
    };
    expect(() => createStore(folder, { sharedGroup: null, now: 0 }, fill)).toThrow('no');
    expect(existsSync(folder)).toBe(false);
  });

  it('is not made where there is one', () => {
    const folder = newStore();
    expect(() => createStore(folder, { sharedGroup: null, now: 0 }, () => undefined)).toThrow(
      expect.objectContaining({
        code: 'conflict',
        message: `There is already a captures store in ${folder}`,
      }),
    );
    openStore(folder).close();
  });
});

describe('a store is refused', () => {
  it('when there is none, naming what makes one', () => {
    const folder = join(temporaryFolder(), 'nothing');
    expect(() => openStore(folder)).toThrow(
      expect.objectContaining({
        code: 'store_unusable',
        message: `There is no captures store in ${folder}`,
        hint: { code: 'make_store' },
      }),
    );
  });

  it('when it was written by a newer program', () => {
    const folder = newStore();
    const db = new Database(join(folder, 'captures.db'));
    db.pragma('user_version = 999');
    db.close();
    expect(() => openStore(folder)).toThrow(
      expect.objectContaining({
        code: 'store_unusable',
        message: expect.stringMatching(
          /was written by a newer captures \(its schema is version 999/,
        ),
      }),
    );
  });

  it.each([
    [
      'no database at all',
      Buffer.from('this is a letter, not a database'.repeat(200)),
      'is not a captures store',
    ],
    ['an empty file', Buffer.alloc(0), 'is not a captures store'],
  ])('when its file is %s', (_title, bytes, message) => {
    const folder = newStore();
    writeFileSync(join(folder, 'captures.db'), bytes);
    expect(() => openStore(folder)).toThrow(
      expect.objectContaining({
        code: 'store_unusable',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('when its pages are overwritten', () => {
    const folder = newStore();
    const file = join(folder, 'captures.db');
    const db = new Database(file);
    db.pragma('wal_checkpoint(TRUNCATE)');
    db.close();
    const size = statSync(file).size;
    const { openSync, writeSync, closeSync } = fs;
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.alloc(size - 100, 0xff), 0, size - 100, 100);
    closeSync(handle);
    expect(() => openStore(folder).users.findByName('a')).toThrow(
      expect.objectContaining({
        code: 'store_unusable',
        message: expect.stringContaining('is damaged'),
      }),
    );
  });
});

describe('the lease and the moves', () => {
  it('a move from a status that is not the capture’s any more changes nothing', () => {
    const test = new TestStore(new ManualClock());
    const alice = test.user();
    const { id } = test.capture(alice, test.environment({ admin: [alice] }));
    expect(test.store.captures.move(id, 'RUNNING', 'DONE', { end: 5 })?.status).toBe('DONE');
    expect(test.store.captures.move(id, 'RUNNING', 'STOPPING')).toBeNull();
    expect(test.store.captures.find(id)?.status).toBe('DONE');
  });

  it('a move that the table of moves does not have is a bug', () => {
    const test = new TestStore(new ManualClock());
    expect(() => test.store.captures.move(1, 'DONE', 'RUNNING')).toThrow(
      'No capture moves from DONE to RUNNING',
    );
  });

  it('changes set a field to nothing, and leave alone what they do not name', () => {
    const test = new TestStore(new ManualClock());
    const alice = test.user();
    const { id } = test.capture(alice, test.environment({ admin: [alice] }), { duration: 60_000 });
    const changed = test.store.captures.update(id, ['RUNNING'], { scheduledEnd: null });
    expect(changed).toMatchObject({ scheduledEnd: null, duration: 60_000 });
  });
});

describe('six processes that write at once', () => {
  it('lose no write to one another', async () => {
    const folder = newStore();
    const script = `
      const { openStore } = await import(process.argv[1]);
      const store = openStore(process.argv[2]);
      for (let i = 0; i < 50; i++) store.transaction(() => {
        const name = process.pid + '-' + i;
        if (store.users.findByName(name) === null) store.users.insert({ name, isAdmin: false, passwordHash: 'x' }, 0);
      });
      store.close();`;
    const module = new URL('../../src/store/sqlite-store.ts', import.meta.url).href;
    const children = Array.from({ length: 6 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', script, module, folder], {
        stdio: 'inherit',
      }),
    );
    const exits = await Promise.all(children.map((child) => once(child, 'exit')));
    expect(exits.map(([code]) => code as number)).toEqual([0, 0, 0, 0, 0, 0]);
    const db = new Database(join(folder, 'captures.db'), { readonly: true });
    expect(db.prepare('SELECT count(*) FROM users').pluck().get()).toBe(300);
    db.close();
  });
});

it('a store opened to wait for nobody says at once that another connection is writing', () => {
  const folder = newStore();
  const writer = openStore(folder);
  const hasty = openStore(folder, 0);
  writer.transaction(() => {
    const began = performance.now();
    expect(() => hasty.transaction(() => undefined)).toThrow(StoreBusy);
    expect(performance.now() - began).toBeLessThan(500);
  });
  expect(hasty.transaction(() => 'free')).toBe('free');
  hasty.close();
  writer.close();
});
