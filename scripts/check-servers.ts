/**
 * npm run check:servers [-- KIND… [FILE…]]: runs the tests that need a database server against each
 * kind of server in `SERVER_KINDS` (or those named), and prints a table server × suite. A kind that
 * is not here is installed into a cache folder outside of the checkout; one that cannot be had is
 * named, and fails the run when it was asked for by name, unless with --if-there.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { runOn } from './on-server.ts';
import {
  ensureServer,
  SERVER_KINDS,
  type ServerKind,
  type ServerProgram,
} from './server-programs.ts';

const IF_THERE = '--if-there';
const ROOT = resolve(import.meta.dirname, '..');
/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[];
    }[];
  }[];
}

interface Failure {
  readonly title: string;
  readonly why: string;
}

interface SuiteResult {
  readonly passed: number;
  readonly failed: readonly Failure[];
  readonly skipped: readonly string[];
}

interface KindResult {
  readonly kind: ServerKind;
  /** The program's own version, or why it cannot be had. */
  readonly version: string;
  /** By file; null where the server cannot be had. */
  readonly suites: ReadonlyMap<string, SuiteResult> | null;
  readonly seconds: number;
}

const words = process.argv.slice(2).filter((word) => word !== IF_THERE);
/** What was asked for by name may be missing all the same. */
const isLenient = process.argv.includes(IF_THERE);
const isKind = (word: string): word is ServerKind => SERVER_KINDS.some((kind) => kind === word);
const named = words.filter(isKind);
const files = words.filter((word) => !isKind(word));
const kinds = named.length > 0 ? named : SERVER_KINDS;

const results: KindResult[] = [];
for (const kind of kinds) results.push(await check(kind));
print(results);
const isBad = results.some(({ suites }) =>
  suites === null
    ? named.length > 0 && !isLenient
    : suites.size === 0 || [...suites.values()].some(({ failed }) => failed.length > 0),
);
process.exitCode = isBad ? 1 : 0;

async function check(kind: ServerKind): Promise<KindResult> {
  const began = performance.now();
  const seconds = (): number => Math.round((performance.now() - began) / 1000);
  let program: ServerProgram;
  try {
    program = ensureServer(kind, say);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    say(`NOT TESTED: ${kind} cannot be had here: ${why}`);
    return { kind, version: why, suites: null, seconds: seconds() };
  }
  say(`${kind} is ${program.version}`);
  const folder = mkdtempSync(join(tmpdir(), 'captures-check-'));
  try {
    const output = join(folder, 'report.json');
    await runTests(program, output);
    const suites = suitesOf(JSON.parse(readFileSync(output, 'utf8')) as Report);
    return { kind, version: program.version, suites, seconds: seconds() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runTests(program: ServerProgram, output: string): Promise<void> {
  await runOn(program, [
    process.execPath,
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${output}`,
    // Of servers that can't be recorded there is one thing to show: that they are refused.
    ...(program.kind === 'mysql-5.6' ? ['test/servers/versions.test.ts'] : files),
  ]);
}

function suitesOf({ testResults }: Report): Map<string, SuiteResult> {
  return new Map(
    testResults.map(({ name, status, message = '', assertionResults }) => {
      const are = (...states: string[]): Report['testResults'][number]['assertionResults'] =>
        assertionResults.filter((one) => states.includes(one.status));
      const failed = are('failed').map(({ fullName, failureMessages = [] }) => ({
        title: fullName,
        why: failureMessages.join('\n'),
      }));
      // A file that could not even be loaded has no tests to fail.
      if (status === 'failed' && failed.length === 0) failed.push({ title: name, why: message });
      return [
        relative(join(ROOT, 'test'), name).replace(/\.test\.ts$/, ''),
        {
          passed: are('passed').length,
          failed,
          skipped: are('skipped', 'pending', 'todo', 'disabled').map(({ fullName }) => fullName),
        },
      ];
    }),
  );
}

function print(all: readonly KindResult[]): void {
  const names = [...new Set(all.flatMap(({ suites }) => [...(suites?.keys() ?? [])]))].sort();
  const width = Math.max(...names.map((name) => name.length), 10);
  const head = all.map(({ kind }) => kind.padStart(14)).join('');
  const lines = ['', `${''.padEnd(width)}${head}`];
  for (const name of names) {
    const cells = all.map(({ suites }) => cellOf(suites?.get(name) ?? null).padStart(14));
    lines.push(`${name.padEnd(width)}${cells.join('')}`);
  }
  const total = all.map(({ suites }) => cellOf(suites === null ? null : sum(suites)).padStart(14));
  lines.push(`${'together'.padEnd(width)}${total.join('')}`);
  lines.push(
    `${'seconds'.padEnd(width)}${all.map(({ seconds }) => String(seconds).padStart(14)).join('')}`,
    '',
    'passed, !failed, ~skipped; "-": not run on this server',
    '',
  );
  for (const { kind, version, suites } of all) {
    lines.push(suites === null ? `${kind}: NOT TESTED: ${version}` : `${kind}: ${version}`);
    for (const [name, { skipped }] of suites ?? []) {
      for (const title of skipped) lines.push(`  skipped  ${basename(name)}: ${title}`);
    }
  }
  const passed = all.flatMap(({ suites }) => [...(suites?.values() ?? [])]);
  const count = (of: (one: SuiteResult) => number): number =>
    passed.reduce((most, one) => most + of(one), 0);
  lines.push(
    '',
    `${count((one) => one.passed)} passed, ${count((one) => one.failed.length)} failed, ${count((one) => one.skipped.length)} skipped`,
  );
  // At the end, for a log is read from there, and may have lost its beginning.
  for (const { kind, suites } of all) {
    for (const [name, { failed }] of suites ?? []) {
      for (const { title, why } of failed) {
        lines.push('', `FAILED on ${kind}: ${name}: ${title}`, beginningOf(why));
      }
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** What was wrong and where: a message, a difference and the first places of the stack. */
function beginningOf(why: string): string {
  const lines = why.split('\n').filter((line) => !line.includes('node_modules'));
  return lines
    .slice(0, 25)
    .map((line) => `  ${line.slice(0, 200)}`)
    .join('\n');
}

function cellOf(suite: SuiteResult | null): string {
  if (suite === null) return '-';
  const { passed, failed, skipped } = suite;
  const parts = [
    String(passed),
    ...(failed.length > 0 ? [`!${failed.length}`] : []),
    ...(skipped.length > 0 ? [`~${skipped.length}`] : []),
  ];
  return parts.join(' ');
}

function sum(suites: ReadonlyMap<string, SuiteResult>): SuiteResult {
  const all = [...suites.values()];
  return {
    passed: all.reduce((most, { passed }) => most + passed, 0),
    failed: all.flatMap(({ failed }) => failed),
    skipped: all.flatMap(({ skipped }) => skipped),
  };
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
