import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageFolders, thirdPartyNotices } from '../scripts/third-party-notices.ts';
import { HELP_TOPICS } from '../src/cli/help/topics.ts';
import { temporaryFolder } from './support/stores.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

describe('docs/scripts.md', () => {
  it('has the exit codes of captures help exit-codes, word for word', () => {
    const section = /## Exit codes\n([^]+)/.exec(read('docs/scripts.md'))?.[1] ?? '';
    const rows = Array.from(section.matchAll(/^\| (\d+) \| (\d*) ?\| (.+) \|$/gm));
    const lines = HELP_TOPICS['exit-codes'].matchAll(/^ +(\d+) {2}(\d{3}| {3}) {3}(.+)$/gm);
    expect(rows.map(([, ...cells]) => cells)).toEqual(
      Array.from(lines, ([, exit, code = '', meaning]) => [exit, code.trim(), meaning]),
    );
    expect(rows).toHaveLength(14);
  });
});

describe('the package', () => {
  const {
    license,
    files,
    private: isPrivate,
  } = JSON.parse(read('package.json')) as {
    license: string;
    files: string[];
    private: boolean;
  };

  it('is published by nobody by accident, with its licence and without source maps', () => {
    expect([license, isPrivate]).toEqual(['MIT', true]);
    expect(read('LICENSE')).toMatch(/^MIT License\n\nCopyright \(c\) 2026 the captures authors\n/);
    expect(files).toContain('!dist/**/*.map');
  });
});

describe('the notices of bundled packages', () => {
  const folder = temporaryFolder();

  function made(name: string, license: unknown, files: Record<string, string>): string {
    const path = join(folder, 'node_modules', name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name, version: '1.2.3', license }));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
    return path;
  }

  it('are of each package that a module comes from, nested ones too, and of the bundler', () => {
    const modules = [
      '/p/src/cli/main.ts',
      '/p/node_modules/b/lib/x.js',
      '/p/node_modules/b/index.js?commonjs',
      '/p/node_modules/b/node_modules/@a/c/x.js',
      '\0rolldown/runtime.js',
    ];
    expect(packageFolders(modules, '/p/node_modules/rolldown')).toEqual([
      '/p/node_modules/b',
      '/p/node_modules/b/node_modules/@a/c',
      '/p/node_modules/rolldown',
    ]);
  });

  it('have name, version and every text', () => {
    const one = made('one', 'MIT', { LICENSE: 'The one licence\n', 'NOTICE.txt': 'A notice' });
    const two = made('two', 'Apache-2.0', { 'license.md': 'The other licence' });
    expect(thirdPartyNotices([one, two])).toMatch(
      /one 1\.2\.3 \(MIT\)\n\nThe one licence\n\nA notice\n\n-+\n\ntwo 1\.2\.3 \(Apache-2\.0\)\n\nThe other licence\n$/,
    );
  });

  it.each([
    ['without', undefined, { LICENSE: 'text' }, 'its licence is undefined'],
    ['viral', 'GPL-3.0', { LICENSE: 'text' }, 'its licence is "GPL-3.0"'],
    ['silent', 'MIT', { NOTICE: 'text' }, 'has no text of its licence (MIT)'],
  ])('fail the build for a package %s', (name, license, files, message) => {
    expect(() => thirdPartyNotices([made(name, license, files)])).toThrow(message);
  });

  it('that were built name what is bundled', () => {
    expect(read('dist/THIRD-PARTY-NOTICES')).toMatch(/^commander .+\(MIT\)$/m);
    expect(read('dist/THIRD-PARTY-NOTICES')).toMatch(/^date-fns .+\(MIT\)$/m);
  });
});
