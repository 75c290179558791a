import { describe, expect, it } from 'vitest';
import { Backlog } from '../../src/replay/backlog.ts';

const SESSIONS = 32;

function holding(items: number, bytes = 100): Backlog {
  const backlog = new Backlog();
  for (let count = 0; count < items; count++) backlog.add(bytes);
  return backlog;
}

describe('the backlog of a replay', () => {
  it('has enough with some items for each session, as long as every session has something to do', () => {
    const backlog = holding(511);
    expect(backlog.hasEnough(SESSIONS)).toBe(false);
    backlog.add(100);
    expect(backlog.hasEnough(SESSIONS)).toBe(true);
    expect(backlog.isFull).toBe(false);
  });

  it('takes as much as the memory may hold while a session has nothing to do', () => {
    const backlog = holding(8_191);
    backlog.setDry(true);
    expect(backlog.hasEnough(SESSIONS)).toBe(false);
    backlog.add(100);
    expect(backlog.hasEnough(SESSIONS)).toBe(true);
    expect(backlog.isFull).toBe(true);
    backlog.remove(100);
    backlog.setDry(false);
    expect(backlog.hasEnough(SESSIONS)).toBe(true);
    expect(backlog.isFull).toBe(false);
  });

  it('takes as much where nothing is answered, until something is', () => {
    const backlog = holding(4_000);
    expect(backlog.hasEnough(SESSIONS)).toBe(true);
    backlog.setStill();
    expect(backlog.hasEnough(SESSIONS)).toBe(false);
    expect(backlog.hasRoom(SESSIONS)).toBe(true);
    backlog.remove(100);
    expect(backlog.hasEnough(SESSIONS)).toBe(true);
  });

  it('is added to again once half of it is done', () => {
    const backlog = holding(512);
    expect(backlog.hasRoom(SESSIONS)).toBe(false);
    for (let count = 0; count < 256; count++) backlog.remove(100);
    expect(backlog.hasRoom(SESSIONS)).toBe(true);
  });

  it('is full of few long texts', () => {
    const backlog = holding(16, 1024 * 1024);
    backlog.setDry(true);
    expect(backlog.isFull).toBe(true);
    expect(backlog.hasEnough(SESSIONS)).toBe(true);
    expect(backlog.hasRoom(SESSIONS)).toBe(false);
  });
});
