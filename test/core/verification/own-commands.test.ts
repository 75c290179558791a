import { expect, it } from 'vitest';
import {
  SENT_NOTHING,
  TapTally,
  type StoredOwnCommands,
} from '../../../src/core/verification/own-commands.ts';

const one = { ...SENT_NOTHING, questions: 1 };

function send(tally: TapTally, commands: number): void {
  for (let i = 0; i < commands; i++) tally.add(one);
}

it('counts what was sent before the tap was known, and by every session', () => {
  const tally = new TapTally();
  send(tally, 7);
  const saved: StoredOwnCommands[] = [];
  tally.adopt(null, (own) => saved.push(own));
  send(tally, 3);
  tally.adopt(null, (own) => saved.push(own));
  expect(tally.counts()).toEqual({ ...SENT_NOTHING, questions: 10 });
  expect(saved).toEqual([{ ...SENT_NOTHING, questions: 7, atMost: 107 }]);
});

it('has sent no more than what is stored, whenever it is killed', () => {
  let stored: StoredOwnCommands | null = null;
  const tally = new TapTally();
  tally.adopt(null, (own) => (stored = own));
  for (let i = 1; i <= 1_000; i++) {
    send(tally, 1);
    const next = new TapTally();
    next.adopt(stored, () => undefined);
    const { questions, doubtful } = next.counts();
    expect(questions).toBeGreaterThanOrEqual(i);
    expect(questions - doubtful).toBeLessThanOrEqual(i);
    expect(doubtful).toBeLessThanOrEqual(100);
  }
});

it('sends nothing that it could not store', () => {
  let isGone = false;
  const tally = new TapTally();
  tally.adopt(null, () => {
    if (isGone) throw new Error('the store is gone');
  });
  isGone = true;
  expect(() => send(tally, 1_000)).toThrow('the store is gone');
  expect(tally.counts().questions).toBe(100);
  expect(() => send(tally, 1)).toThrow('the store is gone');
});

it('knows exactly what a daemon had sent that left', () => {
  const tally = new TapTally();
  tally.adopt(null, () => undefined);
  send(tally, 42);
  const next = new TapTally();
  next.adopt(tally.toLeave(), () => undefined);
  expect(next.counts()).toEqual({ ...SENT_NOTHING, questions: 42 });
});
