import { expect, test } from 'vitest';
import { OwnConnections } from '../../../../src/source/mysql/connection/own-connections.ts';

const USER_HOST = 'recorder[recorder] @ localhost []';
const FIRST = Date.parse('2026-11-21T08:00:00Z') / 1_000;
const SECOND = Date.parse('2026-11-21T10:00:00Z') / 1_000;

function known(): OwnConnections {
  const own = new OwnConnections('recorder');
  own.add(7);
  own.setServerStart(SECOND);
  own.add(8);
  own.addRemembered([
    { connectionId: 5, serverStart: FIRST },
    { connectionId: 4, serverStart: null },
  ]);
  return own;
}

test.each<[what: string, id: number, table: number, time: string, userHost: string, ours: boolean]>(
  [
    ['of a connection of now', 7, SECOND, '10:30:00', USER_HOST, true],
    ['of a connection of now, at its login', 8, SECOND, '10:30:00', '[recorder] @ h []', true],
    ['of now, in the second of the start', 7, SECOND, '10:00:00', USER_HOST, true],
    ['of before the restart with an id of now', 7, FIRST, '09:59:59', USER_HOST, false],
    ['of the second of the restart in the older table', 7, FIRST, '10:00:00', USER_HOST, false],
    ['of then in the second of the restart', 5, FIRST, '10:00:00', USER_HOST, false],
    ['of now in the table of before', 7, FIRST, '10:00:01', USER_HOST, true],
    ['of before the restart with an id of then', 5, FIRST, '09:59:59', USER_HOST, true],
    ['of after the restart with an id of then', 5, SECOND, '10:30:00', USER_HOST, false],
    ['of after the restart in the older table', 5, FIRST, '10:30:00', USER_HOST, false],
    ['of a connection whose time is unknown', 4, FIRST, '09:00:00', USER_HOST, true],
    ['of another account', 7, SECOND, '10:30:00', 'app[app] @ localhost []', false],
    ['of an id that never was ours', 6, SECOND, '10:30:00', USER_HOST, false],
  ],
)('whether a row %s is ours', (_what, id, table, time, userHost, ours) => {
  const own = known();
  own.setTable(table);
  expect(own.owns(id, `2026-11-21T${time}.000000Z`, userHost)).toBe(ours);
  expect(own.mayOwn(id)).toBe(id !== 6);
});

test('a session that is there now is ours only by an id of this start of the server', () => {
  const own = known();
  expect(own.ownsSession(7, 'recorder')).toBe(true);
  expect(own.ownsSession(5, 'recorder')).toBe(false);
  expect(own.ownsSession(7, 'app')).toBe(false);
});
