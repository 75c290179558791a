import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { MIGRATIONS } from '../../src/store/migrations/index.ts';
import { sessionMemories } from '../../src/store/migrations/0017-session-memories.ts';

it('what an older version remembered of sessions is read on', () => {
  const db = new Database(':memory:');
  for (const sql of MIGRATIONS.slice(0, MIGRATIONS.indexOf(sessionMemories))) db.exec(sql);
  db.pragma('foreign_keys = OFF');
  const insert = db.prepare(
    'INSERT INTO tap_sessions (tap_id, session, user, host, db, memory) VALUES (1, ?, NULL, NULL, NULL, ?)',
  );
  insert.run(0, '7 whole 1234-abcd');
  insert.run(1, 'echo:1:0');
  insert.run(2, 'hidden:2:1:keeps');
  insert.run(3, 'zone:-90');
  insert.run(4, 'zone:60 echo:0:3:open');
  insert.run(5, null);
  db.exec(sessionMemories);
  const rows = db.prepare('SELECT session, memory FROM tap_sessions ORDER BY session').all();
  const memories = (rows as { memory: string | null }[]).map(
    ({ memory }) => JSON.parse(memory ?? 'null') as unknown,
  );
  expect(memories).toEqual([
    { generation: 7, backup: '1234-abcd' },
    { prepares: 1, isHidden: false, executes: 0 },
    { prepares: 2, isHidden: true, executes: 1, transaction: 'keeps' },
    { prepares: 0, isHidden: false, executes: 0, zone: -90 },
    { prepares: 0, isHidden: false, executes: 3, transaction: 'open', zone: 60 },
    null,
  ]);
  db.close();
});
