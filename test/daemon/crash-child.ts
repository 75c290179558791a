import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Store } from '../../src/core/store.ts';
import { runDaemon } from '../../src/daemon/daemon.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MINUTE, noServers } from './no-servers.ts';

/**
 * A daemon in a process of its own that copies its store after each commit into folders named 1, 2, 3 and
 * so on: each is what a kill at that moment would leave. At its n-th commit it kills itself with SIGKILL, or
 * ends politely.
 * Arguments: the store's folder, the time to begin at, the folder for the copies, n (0: never).
 */
const [folder = '', from = '0', copies = '', at = '0'] = process.argv.slice(2);
const killAt = Number(at);
let commits = 0;

function committed(): void {
  commits += 1;
  // By another process: one that closes the database's file drops its own locks on it.
  execFileSync('cp', ['-a', folder, join(copies, String(commits))]);
  // Delivered before the call returns: nothing is flushed, closed or released.
  if (commits === killAt) process.kill(process.pid, 'SIGKILL');
}

/** The same store, counting what it commits: outermost transactions, and writes outside of any. */
function counting(store: Store): Store {
  let depth = 0;
  const transaction = <T>(work: () => T): T => {
    depth += 1;
    let result: T;
    try {
      result = store.transaction(work);
    } finally {
      depth -= 1;
    }
    if (depth === 0) committed();
    return result;
  };
  const WRITES = /^(insert|update|delete|move|claim|takeOver|renew|release|save|add|begin|commit)/;
  const table = (real: object): object =>
    new Proxy(real, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function' || !WRITES.test(String(name))) return value;
        return (...args: unknown[]): unknown => {
          const result: unknown = Reflect.apply(value, target, args);
          if (depth === 0) committed();
          return result;
        };
      },
    });
  return new Proxy(store, {
    get(target, name) {
      if (name === 'transaction') return transaction;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value === 'function') {
        return (...args: unknown[]): unknown => Reflect.apply(value, target, args);
      }
      return typeof value === 'object' && value !== null ? table(value) : value;
    },
  });
}

const clock = new ManualClock(Number(from));
const leaving = new AbortController();
const store = openStore(folder);
const done = runDaemon(
  {
    store: counting(store),
    clock,
    source: noServers,
    log: () => undefined,
    hostname: 'here',
    pid: process.pid,
    programVersion: '0',
  },
  { background: false, graceMs: 10 * MINUTE, signal: leaving.signal },
);
// The start at the hour, the end of what runs five minutes, and half a minute of both sides.
await clock.advance(20_000);
clock.set(clock.now() + 4.5 * MINUTE);
await clock.advance(25_000);
leaving.abort();
await clock.advance(1_000);
await done;
store.close();
