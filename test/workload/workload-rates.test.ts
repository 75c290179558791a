import { describe, expect, it } from 'vitest';
import type { LoggedStatement } from '../../src/core/workloads/statements.ts';
import { WorkloadRates } from '../../src/workload/workload-rates.ts';

function statement(time: string, changes: Partial<LoggedStatement> = {}): LoggedStatement {
  return {
    time: `2026-11-22T12:${time}Z`,
    session: 1,
    user: null,
    host: null,
    db: null,
    kind: 'query',
    sql: 'SELECT 1',
    bytes: null,
    flags: [],
    ...changes,
  };
}
const at = (time: string): number => Date.parse(`2026-11-22T12:${time}Z`);

describe('the rates of a workload', () => {
  it('count statements to run and distinct sessions in ten seconds, by the time of the server', () => {
    const rates = new WorkloadRates();
    rates.add([
      statement('00:09.999999'),
      statement('00:10.000000', { session: 2 }),
      statement('00:10.000001', { session: 3, kind: 'connect' }),
      statement('00:11.000000', { session: 2, kind: 'execute', flags: ['echo'] }),
      statement('00:19.000000', { session: 2, kind: 'execute', flags: ['lossy'] }),
      statement('00:20.000000', { session: 2 }),
    ]);
    expect(rates.take()).toEqual([
      { at: at('00:00'), statements: 1, sessions: 1 },
      { at: at('00:10'), statements: 2, sessions: 2 },
      { at: at('00:20'), statements: 1, sessions: 1 },
    ]);
  });

  it('give what is new each time, with the sessions of the bucket so far', () => {
    const rates = new WorkloadRates();
    rates.add([statement('00:01.000000'), statement('00:02.000000', { session: 2 })]);
    rates.take();
    expect(rates.take()).toEqual([]);
    rates.add([
      statement('00:03.000000', { session: 1 }),
      statement('00:03.000000', { session: 9 }),
    ]);
    expect(rates.take()).toEqual([{ at: at('00:00'), statements: 2, sessions: 3 }]);
  });

  it('stay right when rows of two buckets interleave', () => {
    const rates = new WorkloadRates();
    for (let i = 0; i < 10; i++) {
      rates.add([statement('00:09.999999', { session: i }), statement('00:10.000000')]);
    }
    expect(rates.take()).toEqual([
      { at: at('00:00'), statements: 10, sessions: 10 },
      { at: at('00:10'), statements: 10, sessions: 1 },
    ]);
  });

  it('count nothing for a time that is none', () => {
    const rates = new WorkloadRates();
    rates.add([{ ...statement('00:00.000000'), time: 'when?' }, statement('00:01.000000')]);
    expect(rates.take()).toEqual([{ at: at('00:00'), statements: 1, sessions: 1 }]);
  });
});
