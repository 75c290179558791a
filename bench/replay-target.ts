/**
 * node bench/replay-target.ts [SECONDS] [ROUNDS] — point selects from one process over a replay's target, with so
 * many sessions at once, against sysbench with as many threads, in turns on one server that shares all cores with
 * them: statements a second, and microseconds of CPU that the client takes a statement (user and system).
 */
import { execFileSync } from 'node:child_process';
import type { TargetAnswer, TargetSession } from '../src/core/replays/target.ts';
import { mysqlTargets } from '../src/source/mysql/replay/replay-targets.ts';
import { startServer, type DatabaseServer } from '../test/support/database-server.ts';
import { SERVER } from '../test/support/stores.ts';

const SECONDS = Number(process.argv[2] ?? 5);
const ROUNDS = Number(process.argv[3] ?? 3);
const ROWS = 10_000;
const KINDS = ['text', 'binary', 'logins'] as const;

interface Measured {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

function sysbench(server: DatabaseServer, threads: number, ...args: string[]): string {
  return execFileSync(
    'sysbench',
    [
      'oltp_point_select',
      '--mysql-user=root',
      `--mysql-socket=${server.socket}`,
      '--mysql-db=bench',
      '--tables=1',
      `--table-size=${ROWS}`,
      `--threads=${threads}`,
      `--time=${SECONDS}`,
      '--db-ps-mode=disable',
      ...args,
    ],
    { encoding: 'utf8' },
  );
}

async function measure(
  server: DatabaseServer,
  sessions: number,
  kind: (typeof KINDS)[number],
): Promise<Measured> {
  const { port, socket } = server;
  const address = { ...SERVER, user: 'root', host: 'localhost', port, socket };
  const targets = mysqlTargets((allowed) => Promise.resolve(allowed));
  const target = await targets.open(
    { ...address, passwordFrom: null, sslMode: 'PREFERRED' },
    { readOnly: true, lockWait: 5_000 },
    new AbortController().signal,
  );
  const login = { account: null };
  const open = await Promise.all(Array.from({ length: sessions }, () => target.openSession(login)));
  const statements =
    kind === 'binary' ? await Promise.all(open.map((session) => prepareSelect(session))) : [];
  const end = performance.now() + SECONDS * 1_000;
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  let count = 0;
  if (kind === 'logins') {
    await Promise.all(
      open.map(async () => {
        while (performance.now() < end) {
          (await target.openSession(login)).close();
          count++;
        }
      }),
    );
  } else {
    await Promise.all(
      open.map(
        (session, at) =>
          new Promise<void>((resolve, reject) => {
            const next = (answer: TargetAnswer | null): void => {
              if (answer !== null && (answer.code !== 0 || answer.rows !== 1)) {
                reject(new Error(`${answer.code} ${answer.message}`));
                return;
              }
              count++;
              if ((count & 63) === 0 && performance.now() > end) {
                resolve();
                return;
              }
              const id = 1 + Math.floor(Math.random() * ROWS);
              if (kind === 'text') {
                const text = `SELECT c FROM bench.sbtest1 WHERE id=${id}`;
                session.run({ type: 'query', text, isSeveral: false }, [], next);
              } else {
                const values = [{ type: 'integer', text: String(id) } as const];
                session.run({ type: 'execute', statement: statements[at] ?? 0, values }, [], next);
              }
            };
            next(null);
          }),
      ),
    );
  }
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await target.close();
  return { perSecond: count / seconds, cpuMicros: (user + system) / count };
}

function prepareSelect(session: TargetSession): Promise<number> {
  return new Promise((resolve) => {
    const text = 'SELECT c FROM bench.sbtest1 WHERE id=?';
    session.run({ type: 'prepare', text }, [], ({ statement }) => resolve(statement));
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

const server = await startServer();
try {
  const admin = await server.admin();
  await admin.query('CREATE DATABASE bench');
  await admin.end();
  sysbench(server, 1, 'prepare');
  for (const sessions of [8, 32, 128]) {
    const theirs: number[] = [];
    const ours = new Map<string, Measured[]>(KINDS.map((kind) => [kind, []]));
    for (let round = 0; round < ROUNDS; round++) {
      const printed = sysbench(server, sessions, 'run');
      theirs.push(Number(/queries:\s+\d+\s+\(([\d.]+) per sec/.exec(printed)?.[1]));
      for (const kind of KINDS) ours.get(kind)?.push(await measure(server, sessions, kind));
    }
    const lines = [...ours].map(([kind, measured]) => {
      const perSecond = median(measured.map((one) => one.perSecond)).toFixed(0);
      const cpu = median(measured.map((one) => one.cpuMicros)).toFixed(1);
      return `${kind} ${perSecond}/s, ${cpu} µs`;
    });
    process.stdout.write(
      `${sessions} sessions: sysbench ${median(theirs).toFixed(0)}/s; ${lines.join('; ')}\n`,
    );
  }
} finally {
  await server.stop();
}
