import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BIN, endStarted, eventually, run, type Outcome } from '../support/processes.ts';
import { NO_DISK, smallDisk, type SmallDisk } from './small-disk.ts';
import { expectRefusal, Workplace } from './workplace.ts';
import { needs } from '../support/skips.ts';

const isRoot = process.getuid?.() === 0;

let place: Workplace;
beforeEach(async () => {
  place = await Workplace.make();
  await place.given(['env', 'create', 'shop', '--region', 'r', '--instance', 'i']);
  await place.given(['create', 'one', '--env', 'shop']);
});
afterEach(async () => {
  await endStarted();
  await place.close();
});

const store = (): string => join(place.home, 'captures.db');

const COMMANDS = [['list'], ['create', 'two', '--env', 'shop'], ['daemon', '--background']];

describe('a store that a suspended process holds locked', () => {
  it('is stood by for by a daemon, which says so once; a command exits 10 and says so', async () => {
    const { default: Database } = await import('better-sqlite3');
    const holder = new Database(store());
    holder.exec('BEGIN IMMEDIATE; UPDATE store SET is_shared = is_shared');
    const daemon = place.start(['daemon']);
    const said = (what: string): number => daemon.stderr().split(what).length - 1;
    const created = place.captures(['create', 'two', '--env', 'shop']);
    await eventually('it stands by', () => said('is busy: another process') === 1);
    expectRefusal(await created, 10, /The store .* is busy: another process holds it locked/);
    expect(said('is busy')).toBe(1);
    holder.exec('COMMIT');
    holder.close();
    await eventually('it is active', () => said('daemon active') === 1);
    daemon.child.kill('SIGTERM');
    expect((await daemon.ended).status).toBe(0);
  });
});

describe('a store that is not one', () => {
  it.each(COMMANDS)('text in its place: captures %s exits 10', async (...args) => {
    removeLogs();
    writeFileSync(store(), 'this is not a database, it only lies here\n'.repeat(100));
    expectRefusal(await place.captures(args), 10, /is not a captures store/);
  });

  it.each(COMMANDS)('overwritten in the middle: captures %s exits 10', async (...args) => {
    removeLogs();
    const file = openSync(store(), 'r+');
    const { size } = statSync(store());
    const noise = Buffer.alloc(size - 4096, 0xa5);
    writeSync(file, noise, 0, noise.length, 4096);
    closeSync(file);
    expectRefusal(await place.captures(args), 10, /is damaged/);
  });

  it('cut short: exits 10 and leaves the file as it was', async () => {
    removeLogs();
    const half = readFileSync(store()).subarray(0, statSync(store()).size / 2);
    writeFileSync(store(), half);
    expectRefusal(await place.captures(['list']), 10, /is damaged/);
  });

  it("another program's database: exits 10", async () => {
    removeLogs();
    rmSync(store());
    const { default: Database } = await import('better-sqlite3');
    const other = new Database(store());
    other.exec('CREATE TABLE songs (title TEXT)');
    other.close();
    expectRefusal(await place.captures(['list']), 10, /is not a captures store/);
    const before = readFileSync(store());
    const init = await place.captures(['init', '--user', 'a', '--password-file', 'password']);
    expect(init.status).not.toBe(0);
    expect(readFileSync(store())).toEqual(before);
  });

  it('written by a newer captures: exits 10 and says so', async () => {
    const { default: Database } = await import('better-sqlite3');
    const db = new Database(store());
    db.pragma('user_version = 1000');
    db.close();
    expectRefusal(await place.captures(['list']), 10, /newer captures/);
  });

  function removeLogs(): void {
    for (const suffix of ['-wal', '-shm']) rmSync(store() + suffix, { force: true });
  }
});

/** Runs the program as a user who may not write the store: nobody, when the tests run as root. */
function asStranger(home: string, args: readonly string[]): Promise<Outcome> {
  const options = { env: { CAPTURES_HOME: home, HOME: '/nonexistent' }, cwd: '/' };
  const program = [process.execPath, BIN, ...args] as const;
  return isRoot
    ? run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', ...program], options)
    : run(program[0], program.slice(1), options);
}

describe('a folder without write permission', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'captures-forbidden-'));
    chmodSync(folder, 0o555);
  });
  afterEach(() => {
    chmodSync(folder, 0o755);
    rmSync(folder, { recursive: true });
  });

  it('init exits 10 and makes nothing', async () => {
    const home = join(folder, 'home');
    const password = join(tmpdir(), `captures-password-${process.pid}`);
    writeFileSync(password, 'a long password', { mode: 0o600 });
    if (isRoot) execFileSync('chown', ['65534', password]);
    try {
      const args = ['init', '--user', 'ada', '--password-file', password];
      expectRefusal(await asStranger(home, args), 10, /no permission/);
      // One's own folder is made private, which makes it one that can be written.
      if (isRoot) expectRefusal(await asStranger(folder, args), 10, /no permission/);
      expect(existsSync(home)).toBe(false);
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      rmSync(password);
    }
  });
});

describe('a folder that no mkdir can make', () => {
  it.each([
    [{ CAPTURES_HOME: '/proc/nope/deep' }, /The folder \/proc\/nope\/deep cannot be made/],
    [
      { CAPTURES_HOME: '', XDG_CONFIG_HOME: '/proc/nope' },
      /The file \/proc\/nope\/\S+ cannot be written/,
    ],
  ])('is refused by init: %j', async (env, message) => {
    const XDG_DATA_HOME = join(place.desk, 'data');
    const password = join(place.desk, 'password');
    const args = ['init', '--user', 'ada', '--password-file', password];
    expectRefusal(await place.captures(args, { env: { XDG_DATA_HOME, ...env } }), 10, message);
  });
});

describe("somebody else's store", needs(isRoot, 'only root can be other users'), () => {
  it.each(COMMANDS)('captures %s exits 10: no permission', async (...args) => {
    chmodSync(place.desk, 0o755);
    expectRefusal(await asStranger(place.home, args), 10, /no permission/);
  });

  it('that can be read but not written: exits 10 and changes nothing', async () => {
    chmodSync(place.desk, 0o755);
    chmodSync(place.home, 0o755);
    chmodSync(store(), 0o644);
    const outcome = await asStranger(place.home, ['list']);
    expect(outcome.status).not.toBe(0);
    expect(outcome.stderr).toMatch(/^captures: /);
    expect(outcome.stderr).not.toMatch(/This is a bug/);
  });
});

const disk: SmallDisk | null = smallDisk('64k');
describe('a full disk', needs(disk !== null, NO_DISK), () => {
  afterEach(() => disk?.empty());

  it('init exits 10, says so and leaves nothing half-written', async () => {
    const home = join(disk?.folder ?? '', 'home');
    const there = new Workplace(home);
    const outcome = await there.captures(['init', '--user', 'ada', '--password-file', 'password']);
    expectRefusal(outcome, 10, /the disk is full/);
    expect(existsSync(home)).toBe(false);
    await there.close();
  });
});

const larger: SmallDisk | null = smallDisk('3m');
describe('a disk that fills up', needs(larger !== null, NO_DISK), () => {
  afterEach(() => larger?.empty());

  it('every command exits 10 and says so; nothing is stored; with room again all is well', async () => {
    const there = await Workplace.make(join(larger?.folder ?? '', 'home'));
    await there.ok(['env', 'create', 'shop', '--region', 'r', '--instance', 'i']);
    larger?.fill();
    for (const args of COMMANDS) {
      expectRefusal(await there.captures(args), 10, /the disk is full/);
    }
    larger?.unfill();
    expect(await there.list()).toEqual([]);
    await there.ok(['create', 'one', '--env', 'shop']);
    await there.close();
  });
});
