import { expect, test } from 'vitest';
import {
  OpenAnswers,
  type OpenAnswer,
} from '../../../../src/source/mysql/connection/open-answers.ts';

function answers(most: number) {
  const all = new OpenAnswers(most);
  const dropped: string[] = [];
  const open = (name: string, mostBytes: number): OpenAnswer => {
    const answer: OpenAnswer = {
      bytes: 0,
      mostBytes,
      drop: () => {
        dropped.push(name);
        all.end(answer);
      },
    };
    all.add(answer);
    return answer;
  };
  return { all, dropped, open };
}

test('an answer that takes more than it may is dropped, and counts no more', () => {
  const { all, dropped, open } = answers(1_000);
  const one = open('one', 10);
  all.count(one, 10);
  expect(dropped).toEqual([]);
  all.count(one, 1);
  all.count(one, 5_000);
  expect(dropped).toEqual(['one']);
  const other = open('other', 1_000);
  all.count(other, 1_000);
  expect(dropped).toEqual(['one']);
});

test('of many that together take too much the largest goes, and no other', () => {
  const { all, dropped, open } = answers(100);
  const [small, large, third] = ['small', 'large', 'third'].map((name) => open(name, 100));
  if (small === undefined || large === undefined || third === undefined) throw new Error();
  all.count(large, 60);
  all.count(third, 35);
  all.count(small, 6);
  expect(dropped).toEqual(['large']);
  expect(all.end(third)).toBe(true);
  expect(all.end(third)).toBe(false);
  all.count(small, 90);
  expect(dropped).toEqual(['large']);
});
