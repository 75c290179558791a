import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type DatabaseServer } from '../support/database-server.ts';
import { BIN, endProcess, processesWith, run, type Outcome } from '../support/processes.ts';
import { isInFull } from '../support/proportion.ts';
import { needs } from '../support/skips.ts';
import { temporaryFolder } from '../support/stores.ts';

const EXAMPLE = readFileSync(
  resolve(import.meta.dirname, '../../docs/examples/statements.yml'),
  'utf8',
);
const DRIVER = createRequire(import.meta.url).resolve('mysql2/promise');

/** The steps of the example that are shell, by name. */
function stepsOf(workflow: string): Map<string, string> {
  const steps = new Map<string, string>();
  for (const [, name = '', block = ''] of workflow.matchAll(
    / {6}- name: (.+)\n(?: {8}if: .+\n)? {8}run: \|\n((?: {10}.*\n)+)/g,
  )) {
    steps.set(name, block.replace(/^ {10}/gm, ''));
  }
  return steps;
}

const STEPS = stepsOf(EXAMPLE);

/** A project's tests: each asks for an order, and one for a list of them. */
function suite(driver: string, port: number, change: string): string {
  return `
import { createConnection } from ${JSON.stringify(driver)};
import { writeFileSync } from 'node:fs';
const db = await createConnection({ host: '127.0.0.1', port: ${port}, user: 'root', password: 'secret', database: 'app' });
const TESTS = 40;
for (let test = 0; test < TESTS; test++) {
  await db.query('SELECT * FROM orders WHERE id = ' + (test + 1));
  await db.query("INSERT INTO audit (what) VALUES ('test " + test + "')");
  ${change}
}
await db.end();
writeFileSync('junit.xml', '<testcase/>\\n'.repeat(TESTS));
`;
}

const CHANGES = {
  equal: '',
  'a new statement': `if (test === 7) await db.query('SELECT COUNT(*) FROM orders');`,
  'N+1': `if (test === 7) for (let id = 1; id <= 30; id++) await db.query('SELECT * FROM orders WHERE id = ' + id);`,
};

describe('docs/examples/statements.yml', () => {
  it('has the steps that are run here, and a page that explains it', () => {
    expect([...STEPS.keys()]).toEqual([
      'Install',
      'Make a store',
      'Run the tests and record what they send',
      'Report statements and tests',
      'Get the report of main',
      'Compare with main',
    ]);
    expect(readFileSync(resolve(import.meta.dirname, '../../docs/ci.md'), 'utf8')).toContain(
      'examples/statements.yml',
    );
  });
});

const NEEDS = needs(isInFull, 'five recorded test runs take 20 s: in full length only');

describe('the example on a real server', { ...NEEDS, timeout: 240_000 }, () => {
  let server: DatabaseServer;
  let place: string;
  beforeAll(async () => {
    server = await startServer();
    const admin = await server.admin();
    await admin.query(
      `CREATE DATABASE app; CREATE TABLE app.orders (id INT PRIMARY KEY);
       CREATE TABLE app.audit (what TEXT);
       ALTER USER root@localhost IDENTIFIED BY 'secret'`,
    );
    await admin.end();
    place = temporaryFolder();
    const bin = join(place, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    // What stands outside of captures: npx runs the one that is installed, gh gets what main has kept.
    shim(bin, 'npx', `[ "$1" = captures ] && shift; exec '${process.execPath}' '${BIN}' "$@"`);
    shim(
      bin,
      'gh',
      `if [ "$2" = list ]; then [ -d '${place}/kept' ] && echo 7; exit 0; fi\ncp -r '${place}/kept' main`,
    );
  });
  afterAll(async () => {
    await server.stop();
  });

  function shim(bin: string, name: string, script: string): void {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }

  /** Runs the job as a runner does, each step in a shell of its own. @returns how its last step ended. */
  async function job(event: 'push' | 'pull_request', change: string): Promise<Outcome> {
    const checkout = join(place, 'checkout');
    rmSync(checkout, { recursive: true, force: true });
    mkdirSync(checkout);
    writeFileSync(join(checkout, 'package.json'), '{"scripts":{"test":"node suite.mjs"}}');
    writeFileSync(join(checkout, 'suite.mjs'), suite(DRIVER, server.port, change));
    const env = {
      DB_PASSWORD: 'secret',
      CAPTURES_HOME: 'captures-store',
      CI: 'true',
      PATH: [join(place, 'bin'), dirname(process.execPath), process.env['PATH'] ?? ''].join(
        delimiter,
      ),
    };
    let last: Outcome = { status: 0, stdout: '', stderr: '' } as Outcome;
    try {
      for (const [name, script] of STEPS) {
        if (name === 'Install') continue;
        const isOfPulls = name === 'Get the report of main' || name === 'Compare with main';
        if (isOfPulls && event === 'push') continue;
        if (name === 'Compare with main' && last.stdout.includes('nothing to compare')) continue;
        const here = script.replace('root@127.0.0.1', `root@127.0.0.1:${server.port}`);
        last = await run('bash', ['-e', '-c', here], { cwd: checkout, env });
        if (last.status !== 0 && name !== 'Compare with main') {
          throw new Error(`${name}: ${last.stdout}${last.stderr}`);
        }
      }
      if (event === 'push')
        cpSync(join(checkout, 'report'), join(place, 'kept'), { recursive: true });
      return last;
    } finally {
      for (const { pid } of processesWith('PWD', checkout)) await endProcess(pid);
    }
  }

  it('passes while main has no report, keeps that of main, and then fails on what is new', async () => {
    const first = await job('pull_request', CHANGES.equal);
    expect([first.status, first.stdout]).toEqual([
      0,
      'main has no report yet: nothing to compare\n',
    ]);

    await job('push', CHANGES.equal);
    const equal = await job('pull_request', CHANGES.equal);
    expect([equal.status, equal.stderr]).toEqual([0, '']);
    expect(equal.stdout).toContain('No differences.');

    const added = await job('pull_request', CHANGES['a new statement']);
    expect(added.status).toBe(8);
    expect(added.stderr).toMatch(
      /^captures: B differs from A: 1 new\n {2}new: 0 to 0\.025\/test \(0, then 1\): .*SELECT COUNT/,
    );

    const loop = await job('pull_request', CHANGES['N+1']);
    expect(loop.status).toBe(8);
    expect(loop.stderr).toMatch(
      /^captures: B differs from A: 1 more\n {2}more: 1\/test to 1\.75\/test \(40, then 70\): .*orders/,
    );
  });
});
