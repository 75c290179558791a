import { describe, expect, it } from 'vitest';
import { TapLife } from '../../src/daemon/tap-life.ts';

describe('the life of a tap', () => {
  it('goes through a recording, a lost connection and the restoring to its end', () => {
    const life = new TapLife();
    life.moveTo({ name: 'connected' });
    life.moveTo({ name: 'recording' });
    life.moveTo({ name: 'connecting' });
    life.moveTo({ name: 'connected' });
    life.moveTo({ name: 'recording' });
    life.moveTo({ name: 'switched_off', by: 'unattended' });
    life.moveTo({ name: 'recording' });
    life.moveTo({ name: 'restoring' });
    life.moveTo({ name: 'over', ending: 'restored' });
    expect(life.state).toEqual({ name: 'over', ending: 'restored' });
    expect(life.is('restoring', 'over')).toBe(true);
  });

  it('takes a warm-up that comes while the server is being restored', () => {
    const life = new TapLife();
    life.moveTo({ name: 'restoring' });
    life.moveTo({ name: 'warming' });
    life.moveTo({ name: 'connected' });
    expect(life.is('connected')).toBe(true);
  });

  it('may be told twice that it is where it is', () => {
    const life = new TapLife();
    life.moveTo({ name: 'connecting' });
    expect(life.state).toEqual({ name: 'connecting' });
  });

  it('refuses to record while nothing is left but to restore, and to live on when it is over', () => {
    const life = new TapLife();
    life.moveTo({ name: 'restoring' });
    expect(() => life.moveTo({ name: 'recording' })).toThrow('from restoring to recording');
    life.moveTo({ name: 'over', ending: 'left' });
    expect(() => life.moveTo({ name: 'over', ending: 'restored' })).toThrow('from over to over');
  });
});
