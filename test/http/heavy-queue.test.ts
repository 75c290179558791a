import { describe, expect, it } from 'vitest';
import { HeavyQueue, type Turn } from '../../src/http/server/heavy-queue.ts';

const LIMITS = { working: 2, processes: 3, waiting: 3, waitingOfOne: 2 };
const { signal } = new AbortController();

/** Asks for turns and says in which order they are given. */
class Desk {
  readonly queue = new HeavyQueue(LIMITS);
  readonly given: string[] = [];
  readonly turns = new Map<string, Turn>();

  async ask(name: string, client = name, leaving = signal): Promise<void> {
    const turn = await this.queue.turn(client, leaving);
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
    void desk.ask('quick');
    desk.turns.get('slow1')?.setWorking(false);
    await settled();
    expect(desk.given).toEqual(['slow1', 'slow2', 'quick']);
    desk.turns.get('slow2')?.setWorking(false);
    void desk.ask('fourth');
    await settled();
    expect(desk.given).not.toContain('fourth');
    await desk.end('quick');
    expect(desk.given).toContain('fourth');
  });
});
