/**
 * Makes `dist` of `src`: `npm run build`.
 *
 * - `dist/index.js` and what it imports: the library, module by module with its types, by the
 *   TypeScript compiler. (`npm run types` checks the rest of `src`.)
 * - `dist/cli/process.cjs` and the files beside it: the program, bundled by rolldown, because a
 *   process that lists captures would load 50 modules and commander, and lives for as long as two
 *   bare nodes. Each module loaded singly costs 0.5 ms; importing a built-in module of Node as ESM
 *   reads all its exports (node:process 8 ms), requiring it does not: hence CommonJS.
 * - `dist/page/page.js` and `page.css`: what every HTML page of a report has in it; `api-page.*`: what the page at
 *   `/` of the API's server has. The scripts are bundled for browsers, with uPlot and its licence.
 * - `dist/cli/tally-worker.cjs`: the thread that counts statements for it, in one file: it starts with every
 *   report of a workload that is large enough.
 * - `dist/THIRD-PARTY-NOTICES`: the licences of the packages in the bundles.
 * - `dist/man`: a page of section 1 for every command, of the program's own help.
 *
 * Files are replaced in place, and what an earlier build left is removed at the end, so that a
 * program that is running meanwhile finds its files.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'rolldown';
import { writeManPages } from './man-pages.ts';
import { packageFolders, thirdPartyNotices } from './third-party-notices.ts';

const ROOT = resolve(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

/**
 * Packages that stay packages, required when they are first needed. commander and date-fns are not
 * among them: nearly every command needs the one, and of the other one function is used, while to
 * resolve it takes 4 ms (its package.json exports every function by name).
 */
const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
const EXTERNAL = Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`));

/**
 * What belongs in one file, each with all that it imports statically; everything else gets a file of its own
 * by its `import()`. In the order in which they are filled. CPU time that `captures --version`, `--help` and
 * `list` would take more (medians of 31 paired runs): without `start` 39, 31 and more; without `root-help` 0,
 * 31; without all three 2, 3 and 7 ms; everything in one file 200 ms and more.
 */
const FILES = [
  { name: 'start', test: /src.cli.runtime.process\.ts$/ },
  { name: 'root-help', test: /src.cli.help.root-help\.ts$/ },
  // What `list` and `get` need, and most other commands too.
  {
    name: 'commands',
    test: /src.cli.(program|runtime.context|render.neglect|commands.(list|get)|render.delimited)\.ts$/,
  },
  // What they need besides as a client of a server: 8 files else.
  {
    name: 'remote-client',
    test: /src.(cli.runtime.server-(session|certificates)|http.client.(remote-api|remote-capture-lookups))\.ts$/,
  },
];

/**
 * commander's imports of built-in modules, lighter by 5 ms in `list`: `process` is a global anyhow, and
 * child_process serves subcommands that are programs, of which we have none.
 */
const lighterCommander: Plugin = {
  name: 'lighter commander',
  transform: {
    filter: { id: /commander.lib.command\.js$/ },
    handler(code) {
      const unneeded = /^import (process|childProcess) from '.+';$/gm;
      if (code.match(unneeded)?.length !== 2) throw new Error('commander has changed its imports');
      const lighter = code
        .replaceAll(unneeded, '')
        .replaceAll(
          /^import (\w+) from '(node:.+)';$/gm,
          "const $1 = process.getBuiltinModule('$2');",
        );
      return { code: lighter, map: null };
    },
  },
};

/**
 * Built-in modules are loaded when they are first used, not with the file that names them: 9 ms of CPU time
 * less in `list`.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy built-ins',
  renderChunk(code) {
    if (/__toESM\(node_/.test(code)) throw new Error('Import built-in modules by name: { join }');
    const declaration = /^let (node_[\w$]+) = require\("(node:.+)"\);$/gm;
    const names = new Set(Array.from(code.matchAll(declaration), ([, name]) => name));
    const lazy = code
      .replaceAll(
        /\b(new )?(node_[\w$]+)(?=\.)/g,
        (text, isNew: string | undefined, name: string) => {
          if (!names.has(name)) return text;
          // `new node_x().Y()` would be a Y of a new node_x.
          return isNew === undefined ? `${name}()` : `new (${name}())`;
        },
      )
      .replaceAll(declaration, 'const $1 = () => ($1.loaded ??= require("$2"));');
    return { code: lazy, map: null };
  },
};

/** The pages: what each runs, and the style sheets of its own. */
const PAGES = [
  {
    name: 'page',
    script: 'src/cli/render/html/browser/page-script.ts',
    style: 'src/cli/render/html/browser/report.css',
  },
  {
    name: 'api-page',
    script: 'src/http/page/start-page.ts',
    style: 'src/http/page/api-page.css',
  },
];

/**
 * SQLite is loaded when a store is first opened: a client of a server opens none, and takes 10 ms of CPU time less
 * for `list`.
 */
const lateSqlite: Plugin = {
  name: 'late SQLite',
  renderChunk(code) {
    if (!code.includes('require("better-sqlite3")')) return null;
    const loading =
      /^let better_sqlite3 = require\("better-sqlite3"\);\nbetter_sqlite3 = .*__toESM\(better_sqlite3, 1\);$/m;
    if (!loading.test(code)) throw new Error('better-sqlite3 is loaded in another way');
    const late = 'const better_sqlite3 = { get default() { return require("better-sqlite3"); } };';
    return { code: code.replace(loading, late), map: null };
  },
};

const started = Date.now();
await buildWorker();
const bundled = [...(await buildProgram()), ...(await buildPages())];
const notices = packageFolders(bundled, join(ROOT, 'node_modules/rolldown'));
writeFileSync(join(DIST, 'THIRD-PARTY-NOTICES'), thirdPartyNotices(notices));
buildLibrary();
await writeManPages(join(DIST, 'man'));
removeLeftovers(started);

function buildLibrary(): void {
  const tsc = join(ROOT, 'node_modules/typescript-7/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
}

/** @returns the modules that are in it. */
async function buildProgram(): Promise<string[]> {
  const { output } = await build({
    cwd: ROOT,
    input: { process: 'src/cli/runtime/process.ts' },
    platform: 'node',
    external: EXTERNAL,
    plugins: [lighterCommander, lazyBuiltins, lateSqlite],
    checks: { ineffectiveDynamicImport: false },
    output: {
      dir: join(DIST, 'cli'),
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name].cjs',
      codeSplitting: {
        groups: FILES.map((file, index) => ({ ...file, priority: FILES.length - index })),
      },
      comments: { legal: true, annotation: false, jsdoc: false },
      minifyInternalExports: false,
      sourcemap: true,
    },
  });
  return output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
}

/** @returns the modules that are in them. */
async function buildPages(): Promise<string[]> {
  const uplot = join(ROOT, 'node_modules/uplot');
  const base = [join(uplot, 'dist/uPlot.min.css'), join(ROOT, 'src/display/browser/base.css')];
  const modules: string[] = [];
  for (const { name, script, style } of PAGES) {
    const { output } = await build({
      cwd: ROOT,
      input: { [name]: script },
      platform: 'browser',
      output: {
        dir: join(DIST, 'page'),
        format: 'iife',
        entryFileNames: '[name].js',
        minify: true,
        comments: false,
        // The licence asks for its text in every copy.
        postBanner: `/*! uPlot\n${readFileSync(join(uplot, 'LICENSE'), 'utf8')}*/`,
      },
    });
    const sheets = [...base, join(ROOT, style)];
    const text = sheets.map((path) => readFileSync(path, 'utf8')).join('\n');
    writeFileSync(join(DIST, `page/${name}.css`), withoutSpace(text));
    modules.push(...output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : [])));
  }
  return modules;
}

/** A style sheet without comments and line ends: 1.5 KB less in every page. */
function withoutSpace(style: string): string {
  return style
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{};,]) ?/g, '$1')
    .replaceAll(';}', '}');
}

async function buildWorker(): Promise<void> {
  await build({
    cwd: ROOT,
    input: 'src/workload/tally/tally-worker.ts',
    platform: 'node',
    output: {
      file: join(DIST, 'cli/tally-worker.cjs'),
      format: 'cjs',
      comments: { legal: true, annotation: false, jsdoc: false },
      sourcemap: true,
    },
  });
}

function removeLeftovers(before: number): void {
  for (const path of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
    const stat = statSync(join(DIST, path));
    if (stat.isFile() && stat.mtimeMs < before) rmSync(join(DIST, path));
  }
}
