import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { manPage, writeManPages } from '../../scripts/man-pages.ts';
import { temporaryFolder } from '../support/stores.ts';
import { hasProgram } from '../support/terminal.ts';

const PACKAGE = resolve(import.meta.dirname, '../../package.json');

describe('a manual page', () => {
  const page = (help: string): string =>
    manPage({ name: 'captures-x', summary: 'do x', version: '1.0', seeAlso: ['captures'], help });

  it('keeps what roff would take for a request or an escape', () => {
    const text = page("Usage: captures x\n\nExamples:\n  .so /etc/passwd\n  echo 'a\\nb'\n");
    expect(text).toContain(".nf\n  .so /etc/passwd\n  echo 'a\\enb'\n.fi");
    expect(page("'br is text\n")).toContain("\\&'br is text");
  });

  it('has the options of the help, each with its lines joined', () => {
    const text = page(
      'Usage: captures x\n\nOptions:\n  --one <n>            a long\n                       story\n',
    );
    expect(text).toContain('.SH OPTIONS\n.TP\n.B \\-\\-one <n>\na long\nstory\n');
  });
});

describe('the manual pages', () => {
  it('are one a command and topic, and say what the help says', async () => {
    const folder = temporaryFolder();
    await writeManPages(folder);
    const names = readdirSync(folder);
    expect(names).toContain('captures.1');
    expect(names).toContain('captures-env-create.1');
    expect(names).toContain('captures-exit-codes.1');
    expect(names.filter((name) => /fetch-metrics|help/.test(name))).toEqual([]);
    // npm links what is listed here, and nothing by a folder (tried with npm 11).
    const listed = names.sort().map((name) => `./dist/man/${name}`);
    const manifest = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { man: string[] };
    // Other tests read the version in it meanwhile: it is written where it has to be alone.
    if (process.env['UPDATE_DOCS'] === '1' && !isDeepStrictEqual(manifest.man, listed)) {
      writeFileSync(PACKAGE, `${JSON.stringify({ ...manifest, man: listed }, null, 2)}\n`);
    } else {
      expect(manifest.man, 'UPDATE_DOCS=1 writes package.json anew').toEqual(listed);
    }
    const create = readFileSync(join(folder, 'captures-create.1'), 'utf8');
    expect(create).toContain('.SH EXAMPLES\n.nf\n  captures create friday');
    for (const name of names) {
      const text = readFileSync(join(folder, name), 'utf8');
      expect({ name, hasName: text.includes('.SH NAME\n') }).toEqual({ name, hasName: true });
    }
    // Where there is a man program, what formats its pages finds nothing to complain of: of all pages in
    // one process, with the names of those that are wrong.
    if (!hasProgram('man')) return;
    // What cannot be shown in plain ASCII is complained of.
    const groff = ['-man', '-Tascii', '-ww', '-z', ...names.map((name) => join(folder, name))];
    expect(spawnSync('groff', groff, { encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const shown = execFileSync('man', ['-l', join(folder, 'captures-create.1')], {
      env: { ...process.env, MANWIDTH: '80' },
      encoding: 'utf8',
    });
    expect(shown).toContain('captures create friday --env shop --duration 2h');
  });
});
