import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HIDDEN_VERBS, VERBS, type Verb } from '../src/cli/commands/verbs.ts';

const SRC = resolve(import.meta.dirname, '../src');

interface Module {
  /** Path below src, for example `daemon/tap.ts`. */
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  /** What it imports: paths below src, names of packages, `node:…`. */
  readonly imports: readonly string[];
}

const modules: readonly Module[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8');
    const folder = path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
    return { path, folder, text, imports: importsOf(path, text) };
  });

/** Static imports and exports, types among them, and `import('…')`. */
function importsOf(path: string, text: string): string[] {
  const specifiers = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s*'([^']+)'|(?:^|\n)import\s*'([^']+)'|\bimport\(\s*'([^']+)'/g,
  );
  return Array.from(specifiers, ([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '').map(
    (specifier) =>
      specifier.startsWith('.') ? relative(SRC, resolve(SRC, path, '..', specifier)) : specifier,
  );
}

function folderOf(specifier: string): string {
  return specifier.includes('/') ? specifier.slice(0, specifier.indexOf('/')) : specifier;
}

/** What each folder may import of the others, and which packages. */
const LAYERS: Record<string, { folders: readonly string[]; packages: readonly string[] }> = {
  // All three are calculation alone: no I/O, no dependencies.
  core: { folders: [], packages: ['node:crypto', 'node:util', 'croner'] },
  store: { folders: ['core'], packages: ['better-sqlite3', 'node:*'] },
  // What a statement's text says, for whoever has to read one.
  sql: { folders: ['core'], packages: ['node:crypto', 'node:buffer'] },
  source: { folders: ['core', 'sql'], packages: ['mysql2', '@noble/ed25519', 'node:*'] },
  'metrics-source': { folders: ['core'], packages: ['@aws-sdk', 'node:*'] },
  workload: { folders: ['core', 'sql'], packages: ['node:*', 'tar', 'hyparquet-writer'] },
  daemon: { folders: ['core', 'sql', 'workload'], packages: ['node:*'] },
  replay: { folders: ['core', 'sql', 'workload'], packages: ['node:*'] },
  // How things are shown, wherever that is.
  display: { folders: ['core'], packages: ['uplot'] },
  http: {
    folders: ['core', 'sql', 'workload', 'display'],
    packages: ['node:*', 'zod/mini', 'find-my-way'],
  },
};

/** Where options are those of another program, which have the names of some of ours. */
const ALLOWED = [
  // mysql's, and migrations that are never edited.
  'workload/sql-format.ts: --force',
  'store/migrations/',
  // `aws …` lines to copy.
  'metrics-source/cloudwatch/switching-commands.ts: --',
  'metrics-source/cloudwatch/failures.ts: --profile',
];

/**
 * What core does not know of. But for `'general_log'` and `'slow_log'`: values of JSON fields of the contract
 * (`coveredBy`), which a name of ours would only have to be translated to.
 */
const FOREIGN: readonly {
  readonly of: string;
  readonly words: RegExp;
}[] = [
  {
    of: 'MySQL',
    words:
      /mysql|MySQL|[Mm]ariadb|MariaDB|(?<!')\b(?:general|slow)[_ ]log\b|log_output|performance_schema|innodb|binlog|\bGRANT\b|\bSHOW\b|SET GLOBAL|\bCom_|\bQuestions\b|\bPROCESS\b/g,
  },
  { of: 'AWS', words: /\bAWS\b|\bRDS\b|cloudwatch|parameter.group/gi },
  {
    of: 'the terminal',
    words: /\b(?:terminal|tty|stdout|stderr|shell|colou?rs?|chmod|prompts?)\b/gi,
  },
  { of: 'SQLite and HTTP', words: /sqlite|\bhttps?\b/gi },
];

describe('the layers', () => {
  const folders = new Set(modules.map(({ folder }) => folder));

  it('are read from every module', () => {
    expect(modules.length).toBeGreaterThan(60);
    expect(modules.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
    for (const { path, text, imports } of modules) {
      const found = imports.length > 0;
      expect({ path, found }).toEqual({ path, found: /\bfrom '|\bimport\(/.test(text) });
    }
  });

  it('have no folder that the plan does not know', () => {
    for (const folder of folders) expect([...Object.keys(LAYERS), 'cli', '']).toContain(folder);
  });

  it.each(Object.entries(LAYERS).filter(([folder]) => folders.has(folder)))(
    '%s imports only what the plan allows',
    (folder, allowed) => {
      const offences = modules
        .filter((module) => module.folder === folder)
        .flatMap((module) =>
          module.imports
            .filter((specifier) => !isAllowed(specifier, folder, allowed))
            .map((specifier) => `${module.path} imports ${specifier}`),
        );
      expect(offences).toEqual([]);
    },
  );

  it('meet in the command line alone: nothing imports it', () => {
    const offences = modules.filter(
      ({ folder, imports }) =>
        folder !== 'cli' && imports.some((specifier) => folderOf(specifier) === 'cli'),
    );
    expect(offences.map(({ path }) => path)).toEqual([]);
  });

  it('leave the command line core and the wiring: nobody else chooses a store or a source', () => {
    const exempt = [
      // Makes the store that every use case needs.
      'cli/commands/init.ts',
      // Is the daemon.
      'cli/commands/daemon.ts',
      'cli/runtime/daemon-lines.ts',
      // Serve the API for it, in processes of their own.
      'cli/commands/serve-api.ts',
      'cli/commands/serve-request.ts',
      // Makes folders as the store does, and takes nothing else of it.
      'cli/runtime/private-files.ts',
    ];
    const offences = modules
      .filter(({ folder, path }) => folder === 'cli' && !exempt.includes(path))
      .flatMap(({ path, imports }) =>
        imports
          .filter((specifier) => Object.keys(LAYERS).includes(folderOf(specifier)))
          .filter((specifier) => !['core', 'display'].includes(folderOf(specifier)))
          .map((specifier) => `${path} imports ${specifier}`),
      );
    expect(offences).toEqual([]);
  });

  it('leave the command line use cases: the store is read by core, and handed to the daemon', () => {
    const offences = modules
      .filter(({ folder, text }) => folder === 'cli' && /\b(?:wiring|context)\.store\b/.test(text))
      .map(({ path }) => path);
    expect(offences.sort()).toEqual([
      'cli/commands/daemon.ts',
      // Says where the store is, and finds the session of one that is shared.
      'cli/runtime/context.ts',
      // Ask who the active daemon is, and which passwords are described for which servers.
      'cli/runtime/daemon-wiring.ts',
      'cli/runtime/own-credentials.ts',
    ]);
  });

  it('keep the terminal out of the renderers: text in, text out', () => {
    const offences = modules
      .filter(({ path }) => path.startsWith('cli/render/'))
      .filter(({ text }) => /\bprocess\./.test(text));
    expect(offences.map(({ path }) => path)).toEqual([]);
  });
});

function isAllowed(
  specifier: string,
  folder: string,
  allowed: { folders: readonly string[]; packages: readonly string[] },
): boolean {
  const isOurs = specifier.endsWith('.ts');
  if (isOurs) return [folder, ...allowed.folders].includes(folderOf(specifier));
  return allowed.packages.some((name) =>
    name === 'node:*'
      ? specifier.startsWith('node:')
      : specifier === name || specifier.startsWith(`${name}/`),
  );
}

describe('words', () => {
  const ofUs = ({ name, ...more }: Verb): string[] =>
    'verbs' in more ? [name, ...more.verbs.flatMap(ofUs)] : [name];
  const verbs = [...VERBS, ...HIDDEN_VERBS].flatMap(ofUs).join('|');
  /** `captures stop`, and every option that a command of ours declares. */
  const commandLine = new RegExp(
    `\\bcaptures (?:${verbs})\\b|(?<![\\w-])(?:${optionsOfOurs()})\\b`,
    'g',
  );

  it('of the command line stand in hints: no layer below it names a command or an option', () => {
    const offences = modules
      .filter(({ folder }) => folder !== 'cli' && folder !== '')
      .flatMap(({ path, text }) =>
        [...text.matchAll(commandLine)].map(([word]) => `${path}: ${word}`),
      )
      .filter((offence) => !ALLOWED.some((allowed) => offence.startsWith(allowed)));
    expect(offences).toEqual([]);
  });

  it.each(FOREIGN)('of $of are not in core', ({ words }) => {
    const offences = modules
      .filter(({ folder }) => folder === 'core')
      .flatMap(({ path, text }) => [...text.matchAll(words)].map(([word]) => `${path}: ${word}`));
    expect(offences).toEqual([]);
  });
});

/** Every `--option` that is declared in `cli`: the string that declares it begins with it. */
function optionsOfOurs(): string {
  const declared = modules
    .filter(({ folder }) => folder === 'cli')
    .flatMap(({ text }) => [...text.matchAll(/['`](?:-\w, )?(--[a-z][a-z-]+(?:, --[a-z-]+)?)/g)])
    .flatMap(([, flags = '']) => flags.split(', '));
  return [...new Set(declared)].join('|');
}

describe('the house rules', () => {
  it('never end the process by force: output to a pipe would be cut', () => {
    const offences = modules.filter(({ text }) => /\bprocess\.exit\(/.test(text));
    expect(offences.map(({ path }) => path)).toEqual([]);
  });

  it('see a commit that fails behind a returned row: RETURNING is never read by `get`', () => {
    const offences = modules
      .filter(({ folder }) => folder === 'store')
      .flatMap(({ path, text }) =>
        Array.from(text.matchAll(/const (\w+) = db\s*\.prepare[^;]*RETURNING[^;]*;/g))
          .filter(([, name = '']) => new RegExp(`\\b${name}\\.get\\(`).test(text))
          .map(([, name]) => `${path}: ${name ?? ''}`),
      );
    expect(offences).toEqual([]);
  });

  it('name files by what they are about, in kebab-case', () => {
    const names = modules.map(({ path }) => basename(path, '.ts'));
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
    const empty = /(^|-)(utils?|common|helpers?|manager|misc|shared|lib)$/;
    expect(names.filter((name) => empty.test(name))).toEqual([]);
  });

  it('give no two files one name, besides commands and tables of the store', () => {
    const names = modules
      .map(({ path }) => path)
      .filter((path) => !/^(cli\/commands|store)\//.test(path))
      .map((path) => basename(path));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});
