import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  initialisedHome,
  runCaptures,
  type CliOptions,
  type CliResult,
} from '../../support/cli.ts';

let home: string;
beforeAll(async () => {
  home = await initialisedHome();
  await runCaptures(['env', 'create', 'shop'], { home });
  await runCaptures(['create', 'friday', '--env', 'shop'], { home });
});

function withConfig(
  config: unknown,
  argv: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  writeFileSync(join(home, 'config.json'), text);
  return runCaptures(argv, { home, ...options });
}

describe('a config file', () => {
  it('says how to print, unless an option or a variable does', async () => {
    const json = { output: 'json' };
    expect((await withConfig(json, ['list'])).stdout).toMatch(/^\[/);
    expect((await withConfig(json, ['list', '-o', 'name'])).stdout).toBe('shop/friday\n');
    const env = { CAPTURES_OUTPUT: 'name' };
    expect((await withConfig(json, ['list'], { env })).stdout).toBe('shop/friday\n');
  });

  it('makes failures JSON where it asks for JSON', async () => {
    const { status, stdout, stderr } = await withConfig({ output: 'json' }, ['get', 'nothing']);
    expect([status, stdout]).toEqual([3, '']);
    expect(JSON.parse(stderr)).toMatchObject({ code: 404, message: 'Capture not found' });
  });

  it('says in which zone times are, unless TZ does', async () => {
    const tokyo = { timezone: 'Asia/Tokyo' };
    const inTokyo = await withConfig(tokyo, ['get', 'friday', '-o', 'table']);
    const asEver = await withConfig(tokyo, ['get', 'friday', '-o', 'table'], {
      env: { TZ: 'UTC' },
    });
    const start = (text: string): string => /^start +(\S+ \S+)/m.exec(text)?.[1] ?? '';
    expect(Date.parse(start(inTokyo.stdout)) - Date.parse(start(asEver.stdout))).toBe(
      9 * 3_600_000,
    );
  });

  it('switches colours off, unless a variable asks for them', async () => {
    const never = { color: 'never' };
    expect((await withConfig(never, ['list'], { tty: 100 })).stdout).not.toContain('\u001b[');
    const env = { FORCE_COLOR: '1' };
    expect((await withConfig(never, ['list'], { tty: 100, env })).stdout).toContain('\u001b[');
    expect((await withConfig({ color: 'always' }, ['list', '-o', 'table'])).stdout).toContain(
      '\u001b[',
    );
  });

  it.each([
    ['{', 'is not JSON'],
    ['[]', 'is not a JSON object'],
    ['{"colour": "never"}', 'knows no "colour"'],
    ['{"output": "xml"}', 'says "xml" for "output", which is one of table, json'],
    [
      '{"timezone": "Mars/Olympus"}',
      'says "Mars/Olympus" for "timezone", which is not a time zone',
    ],
    ['{"output": 3}', 'says 3 for "output"'],
  ])('that holds %s is refused, with what it could hold', async (text, why) => {
    const { status, stdout, stderr } = await withConfig(text, ['list']);
    expect([status, stdout]).toEqual([10, '']);
    expect(stderr).toContain(why);
    expect(stderr).toContain('For example: {');
    expect((await withConfig(text, ['--version'])).status).toBe(0);
    expect(await withConfig(text, ['__complete', '1', 'captures', 'li'])).toMatchObject({
      status: 0,
      stderr: '',
    });
  });
});
