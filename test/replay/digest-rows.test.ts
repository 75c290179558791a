import { describe, expect, it } from 'vitest';
import { MOST_REPLAY_ROWS } from '../../src/core/replays/replay.ts';
import { DigestRows } from '../../src/replay/digest-rows.ts';

describe('digests that a replay keeps apart', () => {
  it('are ten thousand, and statements of others are counted together', () => {
    const rows = new DigestRows();
    for (let i = 0; i < 2 * (MOST_REPLAY_ROWS + 5); i++) {
      rows.of({ id: `${i % (MOST_REPLAY_ROWS + 5)}`, text: 'SELECT ?' }, 'shop', 'reads')?.add(0);
    }
    expect(rows.unlisted).toBe(10);
    const kept = [...rows.drain()];
    expect(kept).toHaveLength(MOST_REPLAY_ROWS);
    expect(kept.every(({ sent }) => sent === 2)).toBe(true);
    expect([...rows.drain()]).toEqual([]);
  });

  it('are as many as their texts leave room for, and a very long text is there without its end', () => {
    const rows = new DigestRows();
    const text = `INSERT INTO t VALUES (${'RAND(), '.repeat(100_000)}UUID())`;
    const found = Array.from({ length: 300 }, (_, i) =>
      rows.of({ id: `${i}`, text }, null, 'writes'),
    );
    expect(found.filter((row) => row !== null)).toHaveLength(256);
    expect(rows.unlisted).toBe(44);
    const row = found[0]?.row(1, 1);
    expect(row?.text).toHaveLength(16 * 1024 + 2);
    expect(row?.text.endsWith(' …')).toBe(true);
    expect(found[0]?.isUnsteady).toBe(true);
  });
});
