import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { ensureChromium } from '../../scripts/browser-program.ts';
import { readPageParts } from '../../src/cli/output/page-parts.ts';
import type { PageParts } from '../../src/cli/render/html/shell.ts';
import { temporaryFolder } from './stores.ts';

/** Where Chromium is, or why there is none. */
export type ChromiumProgram = { readonly path: string } | { readonly reason: string };

/** Finds Chromium, or installs it where that can be done. @throws Error in CI where it cannot be had. */
export function findChromium(): ChromiumProgram {
  try {
    return { path: ensureChromium((line) => process.stderr.write(`${line}\n`)) };
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Starts Chromium without a screen. It asks the network for nothing by itself. */
export function startChromium(program: ChromiumProgram): Promise<Browser> {
  if ('reason' in program) throw new Error(program.reason);
  return chromium.launch({
    executablePath: program.path,
    chromiumSandbox: false,
    args: [
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page that was opened from a file, and what went wrong in it. */
export interface OpenedPage {
  readonly page: Page;
  /** Errors, warnings and violations of its policy, as the console has them. */
  readonly complaints: readonly string[];
  /** Addresses that it asked for, besides its own. */
  readonly requests: readonly string[];
}

/** Opens a page of ours from a file and waits until its script is done. */
export async function openPage(
  browser: Browser,
  path: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext({ timezoneId: 'Europe/Berlin', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  const address = pathToFileURL(path).href;
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== address) requests.push(request.url());
  });
  await page.goto(address);
  if (options.javaScriptEnabled !== false)
    await page.waitForSelector('html[data-ready]', { state: 'attached', timeout: 10_000 });
  return { page, complaints, requests };
}

/** A browser for the tests of one `describe`, and what pages are made of. */
export interface PageBrowser {
  /** @throws Error before the tests have begun. */
  readonly parts: PageParts;
  /** Opens a page of ours, as `openPage` does. */
  open(page: string, options?: BrowserContextOptions): Promise<OpenedPage>;
}

/** Starts a browser before the tests of a `describe`, and closes it behind them. */
export function browserForPages(program: ChromiumProgram): PageBrowser {
  const folder = temporaryFolder();
  let files = 0;
  let started: { readonly browser: Browser; readonly parts: PageParts } | null = null;
  const now = (): { readonly browser: Browser; readonly parts: PageParts } => {
    if (started === null) throw new Error('the browser starts with the tests');
    return started;
  };
  beforeAll(async () => {
    started = { browser: await startChromium(program), parts: await readPageParts() };
  });
  afterAll(() => started?.browser.close());
  return {
    get parts() {
      return now().parts;
    },
    open: (page, options) => {
      const path = join(folder, `${++files}.html`);
      writeFileSync(path, page);
      return openPage(now().browser, path, options);
    },
  };
}
