/**
 * `npm run pictures`: draws docs/pictures/*.svg and report-page.webp from a real session, on a private MariaDB server
 * with real load. What stands in them was printed by the program.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findChromium, openPage, startChromium } from '../test/support/browser.ts';
import { startServer } from '../test/support/database-server.ts';
import { endProcess, processesWith } from '../test/support/processes.ts';
import { SHOP_SCHEMA, startLoad } from './load-client.ts';
import { ensureMariadb } from './server-programs.ts';
import { terminalPicture } from './terminal-picture.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PICTURES = join(ROOT, 'docs/pictures');
const COLUMNS = 100;
const LOAD_MS = 40_000;

const desk = mkdtempSync(join(tmpdir(), 'captures-pictures-'));
const home = join(desk, 'store');

/** Types a line at a prompt. @returns what the terminal shows of it. */
function typed(line: string): string {
  const { stdout, stderr } = spawnSync('sh', ['-c', `${line} 2>&1`], {
    cwd: desk,
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: [desk, process.env['PATH']].join(delimiter),
      CAPTURES_HOME: home,
      CAPTURES_OUTPUT: 'table',
      FORCE_COLOR: '1',
      COLUMNS: String(COLUMNS),
    },
  });
  return `\u001b[2m$\u001b[0m ${line}\n${stdout.replaceAll(desk, '/home/ada').trimEnd()}${stderr}\n\n`;
}

function draw(name: string, title: string, ...lines: readonly string[]): void {
  writeFileSync(join(PICTURES, `${name}.svg`), terminalPicture(lines.join('').trimEnd(), title));
  process.stderr.write(`docs/pictures/${name}.svg\n`);
}

/** Runs in Chromium: 120 KB, where PNG has 250. */
const AS_WEBP = `(async () => {
  const picture = new Image();
  picture.src = 'data:image/png;base64,PNG';
  await picture.decode();
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext('2d').drawImage(picture, 0, 0);
  return canvas.toDataURL('image/webp', 0.8).split(',')[1];
})()`;

/** The top of a report as Chromium shows it. */
async function photograph(name: string, page: string): Promise<void> {
  const browser = await startChromium(findChromium());
  try {
    const options = { timezoneId: 'UTC', viewport: { width: 1200, height: 1500 } };
    const opened = await openPage(browser, page, options);
    // One statement is opened, and the page shown from its top again.
    await opened.page.locator('#by-digest .toggle').nth(1).click();
    await opened.page.evaluate('scrollTo(0, 0)');
    const png = await opened.page.screenshot();
    await opened.page.goto('about:blank');
    const webp = await opened.page.evaluate(AS_WEBP.replace('PNG', png.toString('base64')));
    writeFileSync(join(PICTURES, `${name}.webp`), Buffer.from(String(webp), 'base64'));
  } finally {
    await browser.close();
  }
  process.stderr.write(`docs/pictures/${name}.webp\n`);
}

ensureMariadb((line) => process.stderr.write(`${line}\n`));
mkdirSync(PICTURES, { recursive: true });
const server = await startServer({
  options: ['--event-scheduler=ON', '--performance-schema=ON'],
});
try {
  const admin = await server.admin();
  await admin.query(SHOP_SCHEMA);
  for (const user of ['app', 'recorder']) {
    await admin.query(`CREATE USER ${user}@127.0.0.1 IDENTIFIED BY '${user}'`);
    await admin.query(`GRANT ALL PRIVILEGES ON *.* TO ${user}@127.0.0.1`);
  }
  await admin.end();
  const program = join(desk, 'captures');
  const bin = join(ROOT, 'bin/captures.js');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`, { mode: 0o755 });
  writeFileSync(join(desk, 'my.password'), 'correct horse battery', { mode: 0o600 });
  writeFileSync(join(desk, 'recorder.password'), 'recorder', { mode: 0o600 });

  const url = `mysql://recorder@127.0.0.1:${server.port}`;
  const load = await startLoad({
    port: server.port,
    user: 'app',
    password: 'app',
    database: 'shop',
    connections: 4,
    prefix: 'picture',
    statements: null,
    reconnectEvery: 500,
  });
  try {
    const init = [
      typed('captures init --user ada --password-file my.password'),
      typed(
        `captures env create shop --url ${url} --password-from file:recorder.password --fields name,url`,
      ),
    ];
    draw('plan', 'What a capture would do, and cost', typed('captures create x --env shop --plan'));
    const first = [
      ...init,
      typed('captures create friday --env shop --duration 30m --fields status,start,scheduledEnd'),
    ];
    await delay(LOAD_MS / 2);
    const list = typed('captures list');
    await delay(LOAD_MS / 2);
    const stopped = typed('captures stop friday --fields status,end,duration,workload');
    const verified = typed('captures verify friday');
    draw('first-minute', 'From nothing to a record', ...first, list, stopped);
    draw('report', 'What is hitting the database?', typed('captures report friday --limit 8'));
    draw('verify', 'How true is it?', verified);
    draw('metrics', 'What the server did meanwhile', typed('captures metrics friday'));
    draw('chart', 'One metric', typed('captures metrics friday --metric Questions'));
    typed('captures report friday --html friday.html');
    await photograph('report-page', join(desk, 'friday.html'));
    draw('doctor', 'What is wrong, and how to fix it', typed('captures doctor'));
  } finally {
    await load.kill();
  }
} finally {
  for (const { pid } of processesWith('CAPTURES_HOME', home)) await endProcess(pid);
  await server.stop();
  rmSync(desk, { recursive: true, force: true });
}
