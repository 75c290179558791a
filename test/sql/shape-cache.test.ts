import { describe, expect, it } from 'vitest';
import { ShapeCache } from '../../src/sql/shape-cache.ts';

/** Runs through so many shapes in their order, again and again, and says how often one had to be made. */
function madeOf(shapes: number, rounds: number, characters = 100): number[] {
  let made = 0;
  const cache = new ShapeCache(
    (sql) => {
      made++;
      return { column: /c\d+/.exec(sql)?.[0] };
    },
    () => characters,
  );
  return Array.from({ length: rounds }, (_, round) => {
    const before = made;
    for (let i = 0; i < shapes; i++) {
      const column = `c${i}`;
      expect(cache.of(`SELECT ${column} FROM t WHERE id = ${round}`).column).toBe(column);
    }
    return made - before;
  });
}

describe('what is remembered of shapes', () => {
  it('is made once for each while there is room', () => {
    expect(madeOf(1_000, 3)).toEqual([1_000, 0, 0]);
  });

  it('is found of most when there are somewhat more than there is room for', () => {
    const [first, , , last = NaN] = madeOf(40_000, 4);
    expect(first).toBe(40_000);
    expect(last).toBeLessThan(20_000);
  });

  it('has a bound in characters, within which others are found all the same', () => {
    const [, , last = NaN] = madeOf(1_000, 3, 20_000);
    expect(last).toBeGreaterThan(500);
    expect(last).toBeLessThan(800);
  });

  it('is nothing of one that would take the room of all others', () => {
    expect(madeOf(10, 2, 1024 * 1024)).toEqual([10, 10]);
  });
});
