import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { NoAnswer, Outage, TooMuch, type OutageNews } from '../../src/http/client/outage.ts';
import { ManualClock } from '../support/manual-clock.ts';

const NEVER = new AbortController().signal;
const lost = (): NoAnswer => new NoAnswer('It was lost', 'lost', 'http://there');

function anOutage() {
  const clock = new ManualClock();
  const closing = new AbortController();
  const outage = new Outage(clock, closing.signal);
  outage.hasAnswered = true;
  const told: OutageNews['type'][] = [];
  outage.listener = ({ type }) => void told.push(type);
  const began = clock.now();
  const asked: number[] = [];
  const asks = (answer: () => Promise<string>) => () => {
    asked.push((clock.now() - began) / 1_000);
    return answer();
  };
  return { clock, closing, outage, told, asked, asks };
}

describe('a server that does not answer', () => {
  it('is asked again with growing pauses, and given up after a minute with the failure of the last time', async () => {
    const { clock, outage, told, asked, asks } = anOutage();
    const result = outage
      .value(
        asks(() => Promise.reject(lost())),
        NEVER,
      )
      .catch((error: unknown) => error);
    await clock.advance(120_000);
    expect(await result).toBeInstanceOf(NoAnswer);
    expect(asked.slice(0, 7)).toEqual([0, 0.5, 1.5, 3.5, 7.5, 12.5, 17.5]);
    expect(asked.at(-1)).toBe(60);
    expect(told).toEqual(['begins']);
  });

  it('is told of once, and that it answers again', async () => {
    const { clock, outage, told, asks } = anOutage();
    let fails = 4;
    const ask = asks(() => (fails-- > 0 ? Promise.reject(lost()) : Promise.resolve('there')));
    const result = outage.value(ask, NEVER);
    await clock.advance(10_000);
    expect(await result).toBe('there');
    expect(told).toEqual(['begins', 'ends']);
    await clock.advance(60_000);
    fails = 1;
    const again = outage.value(ask, NEVER);
    await clock.advance(500);
    expect(await again).toBe('there');
    expect(told).toEqual(['begins', 'ends', 'begins', 'ends']);
  });

  it('that fails again as soon as it has answered is given up all the same', async () => {
    const { clock, outage, asked } = anOutage();
    const began = clock.now();
    const dying = async function* (): AsyncGenerator<string, never, void> {
      asked.push(clock.now() - began);
      await outage.answered();
      yield 'a word';
      throw lost();
    };
    const all = (async () => {
      for await (const word of outage.run(dying, NEVER)) expect(word).toBe('a word');
    })().catch((error: unknown) => error);
    await clock.advance(200_000);
    expect(await all).toBeInstanceOf(NoAnswer);
    expect(asked.at(-1)).toBe(60_000);
  });

  it.each([
    ['refuses', new AppError('unauthenticated', 'You are not logged in')],
    ['is of another version', new AppError('remote_failed', 'They do not understand one another')],
  ])('and then %s is not asked again', async (_what, refusal) => {
    const { clock, outage, asked, asks } = anOutage();
    const failures = [lost(), refusal];
    const result = outage
      .value(
        asks(() => Promise.reject(failures.shift() ?? new Error('asked again'))),
        NEVER,
      )
      .catch((error: unknown) => error);
    await clock.advance(60_000);
    expect(await result).toBe(refusal);
    expect(asked).toEqual([0, 0.5]);
  });

  it('for there is too much is asked again where it was lost just before', async () => {
    const { clock, outage, asks } = anOutage();
    const tooMuch = new TooMuch('Too many', 'busy', 'http://there');
    const failures: AppError[] = [tooMuch];
    const ask = asks(() => {
      const failure = failures.shift();
      return failure === undefined ? Promise.resolve('there') : Promise.reject(failure);
    });
    await expect(outage.value(ask, NEVER)).rejects.toBe(tooMuch);
    failures.push(lost(), tooMuch);
    const result = outage.value(ask, NEVER);
    await clock.advance(1_500);
    expect(await result).toBe('there');
  });

  it('and never did is not asked again', async () => {
    const { outage, asked, asks } = anOutage();
    outage.hasAnswered = false;
    await expect(
      outage.value(
        asks(() => Promise.reject(lost())),
        NEVER,
      ),
    ).rejects.toThrow('lost');
    expect(asked).toEqual([0]);
  });

  it('is left at once when its user has enough, or the connection is closed', async () => {
    for (const isClosed of [false, true]) {
      const { closing, outage, asks } = anOutage();
      const enough = new AbortController();
      const result = outage
        .value(
          asks(() => Promise.reject(lost())),
          enough.signal,
        )
        .catch((error: unknown) => error);
      await setImmediate();
      const reason = new Error('enough');
      (isClosed ? closing : enough).abort(reason);
      expect(await result).toBe(reason);
    }
  });
});
