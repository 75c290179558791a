import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');

function section(heading: string): string {
  const text = new RegExp(`\\n## ${heading}\\n([^]+?)(?=\\n## |$)`).exec(PAGE)?.[1];
  if (text === undefined) throw new Error(`docs/architecture.md has no section "${heading}"`);
  return text;
}

/** Folders of src down to the second level: `core`, `core/captures`. */
function foldersOf(path: string, levels: number): string[] {
  return readdirSync(join(ROOT, 'src', path))
    .map((name) => join(path, name))
    .filter((name) => statSync(join(ROOT, 'src', name)).isDirectory())
    .flatMap((name) => [name, ...(levels > 1 ? foldersOf(name, levels - 1) : [])]);
}

describe('docs/architecture.md', () => {
  const rows = Array.from(
    section('Where a behaviour is').matchAll(/^\| (.+?) +\| `(.+?)` +\|$/gm),
    ([, behaviour = '', file = '']) => ({ behaviour, file }),
  );

  it('says of twenty behaviours or more in which file each is, and every file is there', () => {
    expect(rows.length).toBeGreaterThanOrEqual(20);
    const missing = rows.filter(({ file }) => !existsSync(join(ROOT, 'src', file)));
    expect(missing).toEqual([]);
  });

  it('names each file and each behaviour once', () => {
    for (const key of ['file', 'behaviour'] as const) {
      const names = rows.map((row) => row[key]);
      expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    }
  });

  it('names no file that is not there', () => {
    const paths = Array.from(PAGE.matchAll(/`([\w./-]+\.(?:ts|js|md))`/g), ([, path = '']) => path);
    const isThere = (path: string): boolean =>
      ['', 'src', 'docs'].some((folder) => existsSync(join(ROOT, folder, path)));
    expect(paths.filter((path) => !isThere(path))).toEqual([]);
  });

  it('has every folder of src in its tree, and no other', () => {
    const lines = section('The tree').matchAll(/^src\/([\w/-]+)\/ +\S/gm);
    const named = Array.from(lines, ([, folder = '']) => folder);
    expect([...named].sort()).toEqual(foldersOf('', 2).sort());
  });
});
