import { systemClock } from '../../src/core/clock.ts';
import { runDaemon } from '../../src/daemon/daemon.ts';
import { mysqlSource } from '../../src/source/mysql/mysql-source.ts';
import { openStore } from '../../src/store/sqlite-store.ts';

/** A daemon in a process of its own, to be killed. Argument: the store's folder. */
const [folder = ''] = process.argv.slice(2);
const store = openStore(folder);
await runDaemon(
  {
    store,
    clock: systemClock,
    source: mysqlSource,
    log: (level, event, fields) =>
      void process.stderr.write(`${level} ${event} ${JSON.stringify(fields ?? {})}\n`),
    hostname: 'here',
    pid: process.pid,
    programVersion: '0',
  },
  { background: false, graceMs: 600_000, signal: new AbortController().signal },
);
