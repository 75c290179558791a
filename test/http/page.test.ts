import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { escapeText } from '../../src/display/escape.ts';
import { systemClock } from '../../src/core/clock.ts';
import { findChromium, startChromium } from '../support/browser.ts';
import { BREAK_IN, LOW_CONTRASTS } from '../support/page-probes.ts';
import {
  PASSWORD,
  pageWorld,
  recordedInShop,
  replayedInShop,
  type PageWorld,
} from '../support/page-world.ts';
import { RESULT } from '../support/replay-bench.ts';
import { needs } from '../support/skips.ts';
import { stamp } from '../workload/recorded.ts';

const program = findChromium();
let world: PageWorld;

beforeAll(async () => {
  world = await pageWorld(systemClock);
});
afterAll(() => world.server.close());

describe('the page at /', () => {
  const get = (options: RequestInit = {}, path = '/'): Promise<Response> =>
    fetch(`${world.server.url}${path}`, options);

  it('is one file of less than 150 KB that may ask this server alone', async () => {
    const response = await get();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const text = await response.text();
    expect(Buffer.byteLength(text)).toBeLessThan(150_000);
    expect(Number(response.headers.get('content-length'))).toBeLessThan(60_000);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self';/,
    );
    expect(policy).not.toContain('unsafe');
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(text).not.toMatch(/(src|href)="?https?:|@import|url\((?!data:)/);
  });

  it('is not sent again to who has it, and HEAD has its head alone', async () => {
    const first = await get();
    const etag = first.headers.get('etag') ?? '';
    const again = await get({ headers: { 'if-none-match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const head = await get({ method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(head.headers.get('content-length')).toBe(first.headers.get('content-length'));
    const plain = await get({ headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(plain.headers.get('etag')).not.toBe(etag);
    expect(await plain.text()).toBe(await (await get()).text());
  });

  it('is at / alone, and takes nothing', async () => {
    expect((await get({ method: 'POST' })).status).toBeGreaterThanOrEqual(400);
    expect((await get({}, '/index.html')).status).toBe(404);
    expect((await get({}, '/?token=1')).status).toBe(200);
  });
});

/** What somebody may call a capture, or send to a server, in the hope that it is run. */
const HOSTILE = [
  '<img src=x onerror="document.title=1">',
  '"><script>document.title=1<\\script>',
  "' onfocus=document.title=1 autofocus x='",
  '{{constructor.constructor("document.title=1")()}}',
  'מבצע <b>של</b> יום שישי',
];

describe('the page in a browser', needs('path' in program, 'no Chromium'), () => {
  let browser: Browser;
  let complaints: string[] = [];
  let elsewhere: string[] = [];
  /** Answers with an error status are for the page to show; the console has them too. */
  let expected: RegExp | null = null;

  beforeAll(async () => {
    browser = await startChromium(program);
    await recordedInShop(world, 'friday');
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    const unexpected = complaints.filter((text) => expected?.test(text) !== true);
    const asked = elsewhere;
    [complaints, elsewhere, expected] = [[], [], null];
    expect({ unexpected, asked }).toEqual({ unexpected: [], asked: [] });
  });

  async function open(hash = '', options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ timezoneId: 'Europe/Berlin', ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const { origin, pathname } = new URL(request.url());
      if (origin !== world.server.url || !/^\/(api\/.*)?$/.test(pathname))
        elsewhere.push(request.url());
    });
    await page.goto(`${world.server.url}/${hash}`);
    await page.waitForSelector('html[data-ready]', { state: 'attached' });
    return page;
  }

  async function login(page: Page, name = 'ada'): Promise<void> {
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForSelector('html[data-login=session]');
  }

  async function opened(hash = '', options: BrowserContextOptions = {}): Promise<Page> {
    const page = await open(hash, options);
    await login(page);
    return page;
  }

  const names = (page: Page): Promise<string[]> => page.locator('table.list th a').allInnerTexts();

  it('asks who one is, says what is wrong in the words of the API, and forgets it with a reload', async () => {
    expected = /401/;
    const page = await open('#/captures/1');
    expect(await page.evaluate('document.activeElement.labels[0].textContent')).toBe('Name');
    await page.getByLabel('Name').fill('ada');
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    const alert = page.getByRole('alert');
    await alert.getByText('Wrong user name or password').waitFor();
    expect(await page.evaluate('document.activeElement.type')).toBe('password');
    await login(page);
    // What was asked for is shown then.
    await page.getByRole('heading', { name: 'friday' }).waitFor();
    expect(
      await page.evaluate(
        'JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])',
      ),
    ).toBe('[{},{},""]');
    await page.reload();
    await page.getByRole('heading', { name: 'Log in to captures' }).waitFor();
  });

  it('ends the session that it made, and leaves a token as it is', async () => {
    const page = await open();
    const sessions = (): number =>
      world.test.store.credentials.listOf(world.ada.userId, 'session').length;
    const before = sessions();
    await login(page);
    expect(sessions()).toBe(before + 1);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in to captures' }).waitFor();
    expect(sessions()).toBe(before);
    await login(page);
    await page.reload();
    await expect.poll(sessions).toBe(before);

    await page.getByLabel('Token').fill(world.tokenOfBob);
    await page.getByRole('button', { name: 'with the token' }).click();
    await page.getByRole('heading', { name: 'Captures', exact: true }).waitFor();
    expect(await page.locator('.user').innerText()).toBe('bob');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('it is valid as before').waitFor();
    await page.getByLabel('Token').fill(world.readerOfBob);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Captures', exact: true }).waitFor();
    expect(await page.locator('.user').innerText()).toBe('bob, read-only');
    expect(await page.getByRole('link', { name: 'New capture' }).isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Token').fill(world.tokenOfBob);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Captures', exact: true }).waitFor();
  });

  it('asks again when the session is ended elsewhere, and goes on where it was', async () => {
    expected = /401/;
    const page = await opened('#/captures/1');
    await page.getByRole('heading', { name: 'friday' }).waitFor();
    const { store } = world.test;
    store.credentials.deleteOtherSessions(world.ada.userId, null);
    await page.getByRole('link', { name: 'Report' }).click();
    await page.getByRole('heading', { name: 'Log in to captures' }).waitFor();
    expect(await page.getByRole('alert').innerText()).not.toBe('');
    await login(page);
    await page.getByRole('heading', { name: 'Top statements' }).waitFor();
  });

  it('lists captures newest first, by keyboard alone: filter, choose, open, go back', async () => {
    // The office has no source of metrics, which is what the API says then.
    expected = /404/;
    const { test, ada, bob, office } = world;
    for (const name of ['alpha', 'beta', 'gamma']) {
      test.capture(name === 'beta' ? bob : ada, office, { name });
    }
    const page = await opened();
    await page.locator('table.list').waitFor();
    expect((await names(page)).slice(0, 3)).toEqual(['gamma', 'beta', 'alpha']);
    expect(await page.getByRole('columnheader').allInnerTexts()).toContain('Status');
    const { keyboard } = page;
    await keyboard.press('/');
    await keyboard.type('a');
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    await keyboard.press('Tab');
    await keyboard.type('ada');
    await expect.poll(() => names(page)).toEqual(['gamma', 'alpha', 'friday']);
    expect(await page.getByRole('status').first().innerText()).toBe('3 captures');
    expect(page.url()).toMatch(/#\/captures\?name=a&owner=ada$/);

    await keyboard.press('/');
    await keyboard.press('Escape');
    await expect.poll(async () => (await names(page)).length).toBeGreaterThan(3);
    await keyboard.press('/');
    await keyboard.press('ArrowDown');
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
    await page.getByRole('heading', { name: 'beta' }).waitFor();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
    await keyboard.press('Escape');
    await page.locator('table.list').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toBe('beta');
  });

  it('goes with what happens, and takes the focus from nobody', async () => {
    const { test, ada, office } = world;
    const { id } = test.capture(ada, office, { name: 'seen' });
    const page = await opened('#/captures?name=see*');
    const row = page.getByRole('row', { name: /^seen/ });
    await row.getByText('RUNNING').waitFor();
    await row.getByRole('link').focus();
    test.store.captures.move(id, 'RUNNING', 'DONE', { end: Date.now() });
    test.capture(ada, office, { name: 'seen too' });
    await row.getByText('DONE').waitFor();
    await expect.poll(() => names(page)).toEqual(['seen too', 'seen']);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('seen');
  });

  it('filters by status, environment and day, keeps the filter in its address, and has more', async () => {
    const { test, ada, office } = world;
    for (let index = 0; index < 60; index += 1)
      test.capture(ada, office, { name: `many-${index}` });
    const page = await opened('#/captures?name=many-*');
    await page.getByText('The newest 50 captures').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('60 captures').waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('many-9');
    await page.getByLabel('Name').fill('');
    await page.getByLabel('Environment').selectOption('shop');
    await expect.poll(() => names(page)).toEqual(['friday']);
    await page.getByLabel('Status').selectOption('FAILED');
    await page.getByText('No capture is found by this filter').waitFor();
    await page.getByLabel('Status').selectOption('DONE');
    await page.getByLabel('From').fill('2026-11-22');
    await page.getByLabel('To', { exact: true }).fill('2026-11-22');
    await expect.poll(() => names(page)).toEqual(['friday']);
    await page.getByLabel('To', { exact: true }).fill('2026-11-21');
    await page.getByLabel('From').fill('2026-11-21');
    await page.getByText('No capture is found by this filter').waitFor();
  });

  it('shows one capture: its facts, its report and whether it is whole', async () => {
    const page = await opened('#/captures/shop%2Ffriday');
    await page.getByRole('heading', { name: 'friday' }).waitFor();
    const facts = page.locator('.facts');
    await facts.getByText('3,256').waitFor();
    expect(await facts.innerText()).toMatch(
      /Length\n20m[^]+Start\n2026-11-22 02:00:00 UTC\+01:00 \(01:00:00 UTC\)[^]+Owner\nada/,
    );
    await page.locator('canvas').first().waitFor();
    const charts = await page.locator('figcaption').allInnerTexts();
    expect(charts.map((text) => text.replace(/\s+/g, ' '))).toEqual(
      expect.arrayContaining(['STATEMENTS 60/s', 'THREADS RUNNING 1 to 5']),
    );
    await page.getByRole('link', { name: 'Report' }).click();
    await page.getByRole('heading', { name: 'Top statements' }).waitFor();
    expect(await page.locator('canvas').count()).toBe(1);
    expect(await page.locator('.verdict').innerText()).toMatch(/^NOT WHOLE/);
    await page.getByLabel('Show only rows').fill('stock');
    await page.locator('#statements .toggle:visible').click();
    expect(await page.locator('.detail').innerText()).toMatch(/UPDATE stock SET count[^]+Example/);
    expect(await page.getByRole('table', { name: 'Tables' }).innerText()).toMatch(/shop\.orders/);

    // Its verdict is a sentence: it wraps, whatever it is.
    expect(
      await page.evaluate(
        `Array.from(document.querySelectorAll('.verdict'), (line) => {
          line.classList.add('whole');
          return getComputedStyle(line).whiteSpace;
        })`,
      ),
    ).toEqual(['normal']);
    await page.getByRole('link', { name: 'Verification' }).click();
    await page.getByText('somebody switched the log off').waitFor();
    expect(await page.locator('[aria-current=page]').innerText()).toBe('Verification');
    // The address is a link for others.
    expect(page.url()).toMatch(/#\/captures\/\d+\/verification$/);
  });

  it('shows what came of a replay, which has no record to verify', async () => {
    const failed = { ...RESULT, failed: { '1146': 1 }, sent: 1 };
    const errors = [{ code: '1146', count: 1, message: "Table 'x' doesn't exist" }];
    const id = await replayedInShop(world, 'friday on next', { ...failed, errors });
    const page = await opened();
    await page.getByRole('link', { name: 'friday on next' }).waitFor();
    expect(await page.getByText('shop · replay').count()).toBe(1);
    await page.getByRole('link', { name: 'friday on next' }).click();
    await page.getByText(`Replay ${id} of shop`).waitFor();
    expect(await page.locator('nav.tabs a').allInnerTexts()).toEqual(['Overview', 'Result']);
    await page.getByRole('link', { name: 'Result' }).click();
    await page.getByText("failed: 1146 Table 'x' doesn't exist").waitFor();
    const accounting = page.getByRole('table', { name: 'What became of every record' });
    expect(await accounting.locator('tbody tr').allInnerTexts()).toEqual([
      '1\tsent',
      '1\tskipped: writes',
      "1\tfailed: 1146 Table 'x' doesn't exist",
      '3\tin the record',
    ]);
    expect(await page.getByText('shop/friday').count()).toBe(1);
    world.test.store.captures.delete(id, ['DONE']);
  });

  it('starts a capture now, follows it, stops it, renames it and deletes it', async () => {
    expected = /404/;
    const page = await opened();
    await page.getByRole('link', { name: 'New capture' }).click();
    await page.getByLabel('Name').fill('from the page');
    await page.getByLabel('Environment').selectOption('office');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'from the page' }).waitFor();
    await page.locator('.status.running').waitFor();

    await page.getByRole('button', { name: 'Stop…' }).click();
    await page.getByLabel('Reason').fill('enough');
    await page.getByRole('button', { name: 'Stop the capture' }).click();
    await page.locator('.status.done').waitFor();
    expect(await page.getByRole('button', { name: 'Stop…' }).isVisible()).toBe(false);

    await page.getByRole('button', { name: 'Rename…' }).click();
    await page.getByLabel('New name').fill('renamed');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'renamed' }).waitFor();

    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByLabel('Type its name').fill('rename');
    await page.keyboard.press('Enter');
    await page.getByText('The name does not match; nothing deleted').waitFor();
    await page.getByLabel('Type its name').fill('renamed');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Captures', exact: true }).waitFor();
    await expect.poll(() => names(page)).not.toContain('renamed');
  });

  it('schedules by the clock of who looks, and says the offset', async () => {
    const page = await opened('#/new');
    await page.getByLabel('Name').fill('in summer');
    await page.getByLabel('Environment').selectOption('office');
    await page.getByLabel('At a time').check();
    await page.getByLabel('Start', { exact: true }).fill('2027-07-01T09:30');
    await page
      .getByText('2027-07-01 09:30 UTC+02:00 (Europe/Berlin), which is 07:30 UTC')
      .waitFor();
    await page.getByLabel('Length', { exact: true }).fill('1.5');
    await page.getByLabel('Unit of the length').selectOption('hours');
    await page.getByRole('button', { name: 'Schedule the capture' }).click();
    await page.getByRole('heading', { name: 'in summer' }).waitFor();
    const { captures } = world.test.store;
    const [capture] = captures.list({
      environmentIds: [world.office.id],
      statuses: ['SCHEDULED'],
      type: null,
      ownerId: null,
      name: 'in summer',
      since: null,
      until: null,
      order: 'created',
      descending: true,
      limit: null,
    });
    expect(capture).toMatchObject({
      scheduledStart: Date.parse('2027-07-01T07:30:00Z'),
      duration: 5_400_000,
    });
    // Clocks are put forward at 02:00 then.
    await page.getByRole('link', { name: 'New capture' }).click();
    await page.getByLabel('At a time').check();
    await page.getByLabel('Start', { exact: true }).fill('2027-03-28T02:30');
    await page.getByText('Your clock never shows this time').waitFor();
  });

  it('shows what the API refuses, word for word, and hides nothing that one may not do', async () => {
    expected = /40\d/;
    const mine = world.test.capture(world.ada, world.office, { name: 'of ada' });
    const page = await open(`#/captures/${mine.id}`);
    await login(page, 'bob');
    // Before anything is filled in.
    await page.getByRole('button', { name: 'Stop…' }).click();
    const alert = page.getByRole('alert');
    const answer = await fetch(`${world.server.url}/api/captures/${mine.id}/stop`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.tokenOfBob}` },
    });
    expect(answer.status).toBe(403);
    const { message } = (await answer.json()) as { message: string };
    await alert.getByText(message).waitFor();
    // The focus is where it was.
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Stop…');

    await page.goto(`${world.server.url}/#/new`);
    await page.getByRole('heading', { name: 'New capture' }).waitFor();
    await page.getByLabel('Name').fill('of ada');
    await page.getByLabel('Environment').selectOption('office');
    await page.getByRole('button', { name: 'Start the capture' }).click();
    await alert
      .getByText('Capture with the same name already exists in this environment')
      .waitFor();
    await page.getByLabel('Name').fill('too short');
    await page.getByLabel('Length', { exact: true }).fill('0.5');
    await page.getByRole('button', { name: 'Start the capture' }).click();
    await alert.getByText('Duration must be at least 60 seconds').waitFor();

    await page.goto(`${world.server.url}/#/captures/9999`);
    await alert.getByText('Capture not found').waitFor();
  });

  it('says when the server cannot be reached, and goes on when it can', async () => {
    expected = /ERR_FAILED|Failed to load/;
    const page = await opened();
    await page.locator('table.list').waitFor();
    await page.context().setOffline(true);
    await page.getByLabel('Name').fill('friday');
    await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
    await page.context().setOffline(false);
    await expect.poll(() => names(page), { timeout: 10_000 }).toEqual(['friday']);
    expect(await page.getByRole('alert').count()).toBe(0);
    expected = /ERR_INTERNET_DISCONNECTED|ERR_FAILED/;
  });

  it('shows hostile names and statements as text', async () => {
    const { test, ada, shop } = world;
    const statements = [
      ...HOSTILE,
      '\u202egnp.exe\u2066 \u0000\u200b',
      `SELECT '${'x'.repeat(1_000_000)}'`,
    ];
    const { id } = await recordedInShop(
      world,
      'hostile',
      statements.map((sql, index) => ({
        time: stamp(index * 1_000),
        session: 1,
        user: `${HOSTILE[0] ?? ''}${index}`,
        host: HOSTILE[1] ?? '',
        db: HOSTILE[2] ?? '',
        kind: 'query',
        sql,
        bytes: null,
        flags: [],
      })),
    );
    for (const name of HOSTILE.filter((text) => !text.includes('/'))) {
      const one = test.capture(ada, shop, { name });
      test.store.captures.move(one.id, 'STARTED', 'FAILED', { reason: `${name}\u202e`, end: 0 });
    }
    const page = await opened('#/captures?env=shop');
    await page.getByText('<img src=x').first().waitFor();
    const shown = await page.locator('main').innerText();
    for (const name of HOSTILE.filter((text) => !text.includes('/'))) {
      expect(shown).toContain(name);
      expect(shown).toContain(escapeText(`${name}\u202e`));
    }
    await page.getByRole('link', { name: '<img src=x' }).click();
    await page.getByRole('heading', { name: '<img src=x' }).waitFor();
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('heading', { name: 'Delete <img' }).waitFor();
    await page.keyboard.press('Escape');

    await page.goto(`${world.server.url}/#/captures/${id}/report`);
    await page.getByRole('heading', { name: 'Top statements' }).waitFor();
    for (const toggle of await page.locator('.toggle').all()) await toggle.click();
    const report = await page.locator('main').innerText();
    expect(report).toContain(HOSTILE[0]);
    // In the words of the command line.
    const classes = await page.getByRole('table', { name: 'Classes' }).innerText();
    expect(classes.replaceAll(/\s+/g, ' ')).toContain('other 6');
    expect(report).not.toMatch(/[\u202e\u2066\u200b]/);
    expect(report.length).toBeLessThan(200_000);
    expect(await page.evaluate(STRANGE)).toEqual([0, 1, 0]);
    expect(await page.title()).toBe('hostile – captures');
  });

  it('would not run a script that came through all the same', async () => {
    expected = /Content Security Policy|TrustedHTML|Trusted|violates/;
    const page = await open();
    await page.evaluate(BREAK_IN).catch(() => undefined);
    await page.evaluate(`fetch('http://127.0.0.1:9/').catch(() => undefined)`);
    await expect.poll(() => complaints.length).toBeGreaterThan(0);
    expect(await page.title()).toBe('Log in – captures');
    elsewhere = [];
  });

  it.each(['light', 'dark'] as const)(
    'can be read in %s colours, at every width',
    async (colorScheme) => {
      const page = await opened('', { colorScheme, reducedMotion: 'reduce' });
      const hashes = [
        '#/captures',
        '#/captures/1',
        '#/captures/1/report',
        '#/captures/1/verification',
        '#/new',
      ];
      for (const hash of hashes) {
        await page.goto(`${world.server.url}/${hash}`);
        await page.locator('h1').waitFor();
        await page.waitForLoadState('networkidle');
        expect({ hash, low: await page.evaluate(LOW_CONTRASTS) }).toEqual({ hash, low: [] });
        for (const width of [360, 800, 1600]) {
          await page.setViewportSize({ width, height: 800 });
          const wide = await page.evaluate('document.documentElement.scrollWidth');
          expect({ hash, wide }).toEqual({ hash, wide: width });
        }
      }
      await page.goto(`${world.server.url}/#/captures/1`);
      await page.getByRole('button', { name: 'Delete…' }).click();
      expect(await page.evaluate(LOW_CONTRASTS)).toEqual([]);
    },
  );

  it('has a name for everything that can be used, and moves nothing for who wants no motion', async () => {
    const page = await opened('', { reducedMotion: 'reduce' });
    for (const hash of ['#/captures', '#/captures/1', '#/captures/1/report', '#/new']) {
      await page.goto(`${world.server.url}/${hash}`);
      await page.waitForLoadState('networkidle');
      expect({ hash, nameless: await page.evaluate(NAMELESS) }).toEqual({ hash, nameless: [] });
      expect(await page.locator('h1').count()).toBe(1);
      expect(await page.locator('main').count()).toBe(1);
      expect(await page.evaluate('document.getAnimations().length')).toBe(0);
    }
  });
});

/** Elements that no page of ours has; scripts; elements with a handler. */
const STRANGE = `(() => {
  const elements = [...document.querySelectorAll('*')];
  return [
    document.querySelectorAll('img,iframe,object,embed,video,base,template,style ~ style').length,
    document.scripts.length,
    elements.filter(({ attributes }) => [...attributes].some(({ name }) => name.startsWith('on'))).length,
  ];
})()`;

/** What can be used and has no name that would be read out. */
const NAMELESS = `[...document.querySelectorAll('a, button, input, select, table:not([role=presentation]), [role=region], nav')]
  .filter((element) => {
    const by = element.getAttribute('aria-labelledby');
    const named = by === null ? null : document.getElementById(by);
    const texts = [
      element.getAttribute('aria-label'),
      named?.textContent,
      element.labels?.[0]?.textContent,
      element.caption?.textContent,
      element.matches('a, button') ? element.textContent : '',
    ];
    return !texts.some((text) => text != null && text.trim() !== '');
  })
  .map((element) => element.outerHTML.slice(0, 120))`;
