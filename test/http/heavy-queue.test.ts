import { describe, expect, it } from 'vitest';
import { HeavyQueue, type HeavyLimits, type Turn } from '../../src/http/server/heavy-queue.ts';

const LIMITS = {
  ...{ working: 2, workingOfOne: 2, running: 4, runningOfOne: 3, goingOn: 3, goingOnOfOne: 2 },
  ...{ waiting: 3, waitingOfOne: 2 },
};
const { signal } = new AbortController();

/** Asks for turns and says in which order they are given. */
class Desk {
  readonly queue: HeavyQueue;

  constructor(limits: Partial<HeavyLimits> = {}) {
    this.queue = new HeavyQueue({ ...LIMITS, ...limits });
  }

  readonly given: string[] = [];
  readonly turns = new Map<string, Turn>();

  async ask(name: string, client = name, leaving = signal): Promise<void> {
    this.#take(name, await this.queue.turn({ client, goesOn: false }, leaving));
  }

  async follow(name: string, client = name): Promise<void> {
    this.#take(name, await this.queue.turn({ client, goesOn: true }, signal));
  }

  #take(name: string, turn: Turn): void {
    this.given.push(name);
    this.turns.set(name, turn);
  }

  async end(name: string): Promise<void> {
    this.turns.get(name)?.end();
    await settled();
  }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('heavy requests', () => {
  it('wait for their turn, those of a client who has nothing running before the others', async () => {
    const desk = new Desk();
    await desk.ask('a1', 'ada');
    await desk.ask('a2', 'ada');
    void desk.ask('a3', 'ada');
    void desk.ask('l1', 'linus');
    void desk.ask('a4', 'ada');
    await settled();
    expect(desk.given).toEqual(['a1', 'a2']);
    await desk.end('a1');
    expect(desk.given).toEqual(['a1', 'a2', 'l1']);
    await desk.end('a2');
    await desk.end('a3');
    expect(desk.given).toEqual(['a1', 'a2', 'l1', 'a3', 'a4']);
  });

  it('are refused where too many wait, of one client or of all', async () => {
    const desk = new Desk();
    await desk.ask('1');
    await desk.ask('2');
    void desk.ask('a1', 'ada');
    void desk.ask('a2', 'ada');
    await expect(desk.ask('a3', 'ada')).rejects.toMatchObject({
      status: 429,
      headers: { 'retry-after': '10' },
    });
    void desk.ask('l1', 'linus');
    await expect(desk.ask('g1', 'grace')).rejects.toMatchObject({
      status: 503,
      headers: { 'retry-after': '10' },
    });
  });

  it('leave the queue when their client goes', async () => {
    const desk = new Desk();
    await desk.ask('1');
    await desk.ask('2');
    const leaving = new AbortController();
    const waiting = desk.ask('gone', 'ada', leaving.signal);
    void desk.ask('next', 'ada');
    leaving.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await desk.end('1');
    expect(desk.given).toEqual(['1', '2', 'next']);
  });

  it('hold nobody while they wait for their client, until there are too many processes', async () => {
    const desk = new Desk();
    await desk.ask('slow1');
    await desk.ask('slow2');
    void desk.ask('quick1');
    void desk.ask('quick2');
    void desk.ask('fifth');
    for (const name of ['slow1', 'slow2', 'quick1']) desk.turns.get(name)?.setWorking(false);
    await settled();
    expect(desk.given).toEqual(['slow1', 'slow2', 'quick1', 'quick2']);
    desk.turns.get('quick2')?.setWorking(false);
    await settled();
    expect(desk.given).not.toContain('fifth');
    await desk.end('slow1');
    expect(desk.given).toContain('fifth');
  });

  it('of one client get no more than its share of the processes; the next of others do not wait for it', async () => {
    const desk = new Desk();
    for (const name of ['a1', 'a2', 'a3']) {
      await desk.ask(name, 'ada');
      desk.turns.get(name)?.setWorking(false);
    }
    void desk.ask('a4', 'ada');
    await settled();
    await desk.ask('l1', 'linus');
    expect(desk.given).toEqual(['a1', 'a2', 'a3', 'l1']);
    await desk.end('l1');
    expect(desk.given).not.toContain('a4');
    await desk.end('a2');
    expect(desk.given).toContain('a4');
  });

  it('of one client leave a place to work to the others', async () => {
    const desk = new Desk({ workingOfOne: 1 });
    await desk.ask('a1', 'ada');
    void desk.ask('a2', 'ada');
    await settled();
    await desk.ask('l1', 'linus');
    expect(desk.given).toEqual(['a1', 'l1']);
    await desk.end('a1');
    expect(desk.given).toEqual(['a1', 'l1', 'a2']);
  });

  it('that go on take no place of those that work, and do not wait for one another', async () => {
    const desk = new Desk();
    await desk.follow('a1', 'ada');
    await desk.follow('a2', 'ada');
    desk.turns.get('a1')?.setWorking(true);
    await expect(desk.follow('a3', 'ada')).rejects.toMatchObject({ status: 429 });
    await desk.follow('l1', 'linus');
    await expect(desk.follow('g1', 'grace')).rejects.toMatchObject({ status: 503 });
    await desk.ask('a4', 'ada');
    expect(desk.given).toEqual(['a1', 'a2', 'l1', 'a4']);
    await desk.end('l1');
    await desk.ask('g2', 'grace');
    expect(desk.given).toContain('g2');
  });
});
