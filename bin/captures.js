#!/usr/bin/env sh
':' // ; [ -e /proc/self/fd/1 ] || [ ! -d /proc/self/fd ] || export CAPTURES_STDOUT=closed; exec node "$0" "$@"
// The line above is the shell's, and to Node a string and a comment. Node opens /dev/null in the place of
// a stdout that is closed (>&-) before any of our code runs, and nobody would hear that nothing was printed.
// Checked before anything is imported: better-sqlite3 13 crashes the process on Node 20.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(
    `captures needs Node.js 22.15 or newer and this is ${process.versions.node}: install a current Node.js, or run it as "npx captures" inside its checkout.\n`,
  );
  process.exitCode = 10;
} else {
  // Not imported, which costs 2 ms more: see scripts/build.ts.
  const { createRequire, enableCompileCache } = process.getBuiltinModule('node:module');
  enableCompileCache();
  // So that a stack names our source files and lines.
  if (process.argv.includes('--debug')) process.setSourceMapsEnabled(true);
  /** @type {(file: string) => { runProcess(): Promise<void> }} */
  const load = createRequire(import.meta.url);
  await load('../dist/cli/process.cjs').runProcess();
}
