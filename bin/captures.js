#!/usr/bin/env node
// Checked before anything is imported: better-sqlite3 13 crashes the process on Node 20.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(
    `captures needs Node.js 22.15 or newer and this is ${process.versions.node}: install a current Node.js, or run it as "npx captures" inside its checkout.\n`,
  );
  process.exitCode = 10;
} else {
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  const { runProcess } = await import('../dist/cli/process.js');
  await runProcess();
}
