import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { MIGRATIONS } from '../../src/store/migrations/index.ts';
import { sessionMemories } from '../../src/store/migrations/0017-session-memories.ts';
import { tapTable } from '../../src/store/taps.ts';

it.each(['before the store was migrated', 'by a daemon that still ran then'])(
  'what an older version remembered of sessions is read on, written %s',
  (when) => {
    const db = new Database(':memory:');
    db.pragma('foreign_keys = OFF');
    const older = MIGRATIONS.indexOf(sessionMemories);
    for (const sql of MIGRATIONS.slice(0, older)) db.exec(sql);
    const migrate = (): void => {
      for (const sql of MIGRATIONS.slice(older)) db.exec(sql);
    };
    if (when.startsWith('by a daemon')) migrate();
    const insert = db.prepare(
      'INSERT INTO tap_sessions (tap_id, session, user, host, db, memory) VALUES (1, ?, NULL, NULL, NULL, ?)',
    );
    insert.run(0, '7 whole 1234-abcd');
    insert.run(1, 'echo:1:0');
    insert.run(2, 'hidden:2:1:keeps');
    insert.run(3, 'zone:-90');
    insert.run(4, 'zone:60 echo:0:3:open');
    insert.run(5, null);
    if (when.startsWith('before')) migrate();
    const sessions = tapTable(db).sessionsOf(1);
    expect(sessions.map(({ memory }) => memory)).toEqual([
      { generation: 7, backup: '1234-abcd' },
      { prepares: 1, isHidden: false, executes: 0 },
      { prepares: 2, isHidden: true, executes: 1, transaction: 'keeps' },
      { prepares: 0, isHidden: false, executes: 0, zone: -90 },
      { prepares: 0, isHidden: false, executes: 3, transaction: 'open', zone: 60 },
      null,
    ]);
    db.close();
  },
);
