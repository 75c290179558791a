import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, run } from '../support/processes.ts';
import { serveHome } from '../support/served-home.ts';
import { Workplace } from '../e2e/workplace.ts';

/**
 * What the built program loads, by name and not by time: a hook of its process writes down every
 * module and package that is resolved, and at the end which of Node's own were loaded.
 */
const HOOK = `
  const { registerHooks } = require('node:module');
  const { writeFileSync } = require('node:fs');
  const loaded = new Set();
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      loaded.add(found.url);
      return found;
    },
  });
  process.on('exit', () => {
    const builtins = process.moduleLoadList.filter((name) => name.startsWith('NativeModule '));
    const names = builtins.map((name) => name.replace('NativeModule ', 'node:'));
    writeFileSync(process.env.LOADED_FILE, JSON.stringify([...loaded, ...names]));
  });
`;

/** What is loaded only for what needs it: 2 to 60 ms each. */
const HEAVY = [
  /node_modules\/(@aws-sdk|@smithy|inquirer|@inquirer|mysql2|@noble|cli-table3|chalk|asciichart|croner)\//,
  /\/dist\/cli\/(metrics|chart|table|daemon(?!s\.cjs)|server-logs|cloudwatch)[^/]*\.cjs$/,
  // Of Node's own.
  /^node:(crypto|zlib|child_process|net|stream|process|worker_threads)$/,
];
const STORE = /node_modules\/better-sqlite3\//;
const READS_STORE = /^(?:list|get|__complete zsh (?:get|create)|__complete bash .*stop)/;
/** What only a client of a server needs. */
const CLIENT = /\/dist\/cli\/remote-[^/]*\.cjs$|^node:https?$/;

it('has no literal of all emoji, which V8 reads with the file around it: 14 ms', () => {
  const folder = join(import.meta.dirname, '../../dist/cli');
  const files = readdirSync(folder).filter((file) => file.endsWith('.cjs'));
  const lines = files.flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'));
  const ofEmoji = lines.filter((line) => line.includes('p{RGI_Emoji}'));
  expect(ofEmoji.length).toBeGreaterThan(0);
  for (const line of ofEmoji) expect(line).toContain('new RegExp(String.raw`');
});

describe('what the program loads', () => {
  let place: Workplace;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'captures-loading-'));
    writeFileSync(join(folder, 'hook.cjs'), HOOK);
    place = await Workplace.make();
    await place.given([
      'env',
      'create',
      'shop',
      '--region',
      'eu-central-1',
      '--instance',
      'shop-1',
    ]);
    await place.given(['create', 'friday', '--env', 'shop']);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await place.close();
  });

  async function loadedBy(
    args: readonly string[],
    env: Readonly<Record<string, string>> = { CAPTURES_HOME: place.home },
  ): Promise<string[]> {
    const file = join(folder, 'loaded.json');
    const hook = ['--require', join(folder, 'hook.cjs')];
    const outcome = await run(process.execPath, [...hook, BIN, ...args], {
      cwd: place.desk,
      env: { ...env, LOADED_FILE: file },
    });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    return JSON.parse(readFileSync(file, 'utf8')) as string[];
  }

  it.each([
    ['--version'],
    ['--help'],
    ['list'],
    ['list', '--json'],
    ['get', 'friday', '--json'],
    ['completion', 'bash'],
    ['__complete', 'zsh', ''],
    ['__complete', 'zsh', 'get', ''],
    ['__complete', 'zsh', 'create', 'x', '--env', ''],
    ['__complete', 'bash', '=:', 'captures stop '],
  ])('captures %s loads nothing that it does not need', async (...args) => {
    const loaded = await loadedBy(args);
    expect(loaded.filter((name) => HEAVY.some((heavy) => heavy.test(name)))).toEqual([]);
    expect(loaded.filter((name) => CLIENT.test(name))).toEqual([]);
    // The hook works: what is needed is seen.
    expect(loaded.some((name) => name.endsWith('/dist/cli/start.cjs'))).toBe(true);
    expect(loaded.some((name) => STORE.test(name))).toBe(READS_STORE.test(args.join(' ')));
  });

  it.each([
    { args: ['--version'], files: 3 },
    { args: ['list'], files: 5 },
  ])('captures $args loads at most $files files of ours', async ({ args, files }) => {
    const loaded = await loadedBy(args);
    const ours = loaded.filter((name) => name.includes('/dist/'));
    expect(ours.length).toBeLessThanOrEqual(files);
  });

  it.each([
    { args: ['list', '--json'], files: 6 },
    { args: ['get', 'friday', '--json'], files: 9 },
  ])('a client needs at most $files files of ours for $args, and no store', async (asked) => {
    const server = await serveHome(place.home);
    try {
      const { stdout } = await place.given(['token', 'create', '--name', asked.args.join(' ')]);
      const loaded = await loadedBy(asked.args, {
        CAPTURES_HOME: join(folder, 'client'),
        CAPTURES_SERVER: server.url,
        CAPTURES_TOKEN: stdout.trim(),
      });
      expect(loaded.filter((name) => STORE.test(name))).toEqual([]);
      expect(loaded.filter((name) => CLIENT.test(name))).not.toEqual([]);
      // 20 with the forms of all that is done with captures, each in a file of its own.
      const ours = loaded.filter((name) => name.includes('/dist/'));
      expect(ours.length, ours.join('\n')).toBeLessThanOrEqual(asked.files);
    } finally {
      await server.close();
    }
  });

  it('a table is seen to load cli-table3: the hook would notice', async () => {
    const loaded = await loadedBy(['list', '--output', 'table']);
    expect(loaded.some((name) => /node_modules\/cli-table3\//.test(name))).toBe(true);
  });
});
