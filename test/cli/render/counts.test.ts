import { describe, expect, it } from 'vitest';
import { valuesText } from '../../../src/cli/render/values.ts';
import { coverageText } from '../../../src/cli/render/warm-ups.ts';

describe('one is not several', () => {
  it('among executes', () => {
    const none = { executes: 0, withoutValues: 0 };
    const counts = { users: [], otherUsers: none, sessions: [], otherSessions: none };
    const text = (executes: number): string =>
      valuesText({ ...counts, executes, withoutValues: 0 });
    expect([text(1), text(2)]).toEqual([
      'known for 100 % of 1 execute',
      'known for 100 % of 2 executes',
    ]);
  });

  it('among sessions', () => {
    expect(coverageText({ sessions: 1, covered: 1, lacking: [], users: [] })).toBe(
      '1 of 1 session',
    );
    expect(coverageText({ sessions: 2, covered: 1, lacking: [], users: [] })).toBe(
      '1 of 2 sessions',
    );
  });
});
