import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { endStarted, eventually, start } from '../support/processes.ts';
import { temporaryFolder } from '../support/stores.ts';
import { startShopServer, type ShopServer } from './shop-server.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let server: ShopServer;
beforeAll(async () => {
  server = await startShopServer();
});
afterAll(async () => {
  await endStarted();
  await server.stop();
});

/** A project with the packed package, its dependencies and the types of Node.js, and no other types. */
function projectWithPackage(): string {
  const project = temporaryFolder();
  const modules = join(project, 'node_modules');
  const link = (name: string): void => {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  };
  mkdirSync(join(modules, 'captures'), { recursive: true });
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of [...Object.keys(dependencies), '@types/node', 'undici-types']) link(name);
  const pack = ['pack', '--ignore-scripts', '--pack-destination', project];
  execFileSync('npm', pack, { cwd: ROOT, stdio: 'ignore' });
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz')) ?? '';
  const unpack = ['-xzf', tarball, '-C', join(modules, 'captures'), '--strip-components=1'];
  execFileSync('tar', unpack, { cwd: project });
  writeFileSync(join(project, 'package.json'), '{"type":"module"}');
  return project;
}

/** The program of the page, for this server. */
function programOfPage(): string {
  const page = readFileSync(join(ROOT, 'docs/library.md'), 'utf8');
  const program = /```ts\n([^]+?)```/.exec(page)?.[1] ?? '';
  const address = '127.0.0.1:3306';
  expect(program).toContain(address);
  return program.replace(address, `127.0.0.1:${server.port}`);
}

test('the program of docs/library.md compiles against the package, records, verifies and reads', async () => {
  const project = projectWithPackage();
  writeFileSync(join(project, 'program.ts'), programOfPage());
  const config = {
    compilerOptions: {
      strict: true,
      skipLibCheck: false,
      module: 'nodenext',
      target: 'es2024',
      types: ['node'],
      preserveSymlinks: true,
    },
    files: ['program.ts'],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
  const compiler = join(ROOT, 'node_modules/typescript-7/bin/tsc');
  const compiled = spawnSync(process.execPath, [compiler, '-p', project], { encoding: 'utf8' });
  expect({ status: compiled.status, said: compiled.stdout }).toEqual({ status: 0, said: '' });

  const program = start(process.execPath, [join(project, 'program.js')], {
    cwd: project,
    env: { ...process.env, RECORDER_PASSWORD: server.recorderPassword },
  });
  await Promise.race([
    eventually('it records', () => program.stdout().includes('Recording.')),
    program.ended.then(({ stderr }) => expect.unreachable(stderr)),
  ]);
  await server.query("SELECT 'seen by the library'");
  program.child.kill('SIGINT');
  const { status, stderr } = await program.ended;
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(program.stdout()).toContain("SELECT 'seen by the library'");
  expect(program.stdout()).toMatch(/The record is \w+\.\n$/);
});
