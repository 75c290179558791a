import { expect, test } from 'vitest';
import { OwnConnections } from '../../src/mysql/own-connections.ts';

const USER_HOST = 'recorder[recorder] @ localhost []';

test("a row is ours by id, by account, and by the side of the server's restart it is on", () => {
  const own = new OwnConnections('recorder');
  own.setInstants(new Date('2026-11-21T10:00:00Z'), new Date('2026-11-21T11:00:00Z'));
  own.add(7);
  own.addRemembered([7, 5]);
  const rows: [number, string, string, boolean][] = [
    [7, '2026-11-21T10:30:00.000000Z', USER_HOST, true],
    [7, '2026-11-21T10:30:00.000000Z', '[recorder] @ localhost []', true],
    [7, '2026-11-21T09:59:59.000000Z', USER_HOST, false],
    [7, '2026-11-21T10:30:00.000000Z', 'app[app] @ localhost []', false],
    [5, '2026-11-21T09:59:59.000000Z', USER_HOST, true],
    [5, '2026-11-21T11:30:00.000000Z', USER_HOST, false],
    [6, '2026-11-21T10:30:00.000000Z', USER_HOST, false],
  ];
  for (const [id, time, userHost, expected] of rows) {
    expect([id, time, userHost, own.owns(id, time, userHost)]).toEqual([
      id,
      time,
      userHost,
      expected,
    ]);
    expect(own.mayOwn(id)).toBe(id !== 6);
  }
});
