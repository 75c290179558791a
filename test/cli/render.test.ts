import fc from '../support/properties.ts';
import { describe, expect, it } from 'vitest';
import { RECORD_EVERYTHING } from '../../src/core/captures/recording-options.ts';
import { auditNoun } from '../../src/cli/render/audit.ts';
import { captureJson, captureNoun } from '../../src/cli/render/captures.ts';
import { valueAt, type Noun, type View } from '../../src/cli/render/column.ts';
import { daemonNoun } from '../../src/cli/render/daemon-overview.ts';
import { csvHeader, csvRow, tsvRow } from '../../src/cli/render/delimited.ts';
import { environmentNoun } from '../../src/cli/render/environments.ts';
import { escapeText } from '../../src/display/escape.ts';
import type { RecoveredServer } from '../../src/core/recovery/recovery-service.ts';
import { recoveryNoun } from '../../src/cli/render/recovered-servers.ts';
import { serverNoun } from '../../src/cli/render/known-servers-table.ts';
import type { AuditEntry } from '../../src/core/audit/audit-trail.ts';
import { identityNoun } from '../../src/cli/render/identity.ts';
import { plainPaint, wantsColor } from '../../src/cli/render/paint.ts';
import { renderDetail, renderTable } from '../../src/cli/render/table.ts';
import { formatBytes, formatCount, formatRelative } from '../../src/core/units.ts';
import { displayWidth, truncate, truncateName } from '../../src/cli/render/width.ts';
import { yamlDocument } from '../../src/cli/render/yaml.ts';
import type { ListedCapture } from '../../src/core/store.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

function capture(changes: Partial<ListedCapture> = {}): ListedCapture {
  return {
    id: 1,
    name: 'friday',
    environmentId: 3,
    environmentName: 'shop',
    ownerId: 7,
    ownerName: 'ada',
    type: 'CAPTURE',
    status: 'DONE',
    start: NOW - 3_600_000,
    scheduledStart: null,
    scheduledEnd: null,
    end: NOW - 1_800_000,
    duration: null,
    reason: null,
    createdAt: NOW - 3_600_000,
    recordsStatements: true,
    options: RECORD_EVERYTHING,
    records: 5_248_555,
    textBytes: 412_000_000,
    fileBytes: 31_000_000,
    trouble: null,
    replayed: null,
    ...changes,
  };
}

const CAPTURES = [
  capture({
    id: 4,
    name: 'the whole of black friday, with the night before it and after',
    environmentName: 'production-eu-central',
    status: 'RUNNING',
    start: NOW - 754_000,
    end: null,
    duration: 3_600_000,
    records: 12_345,
  }),
  capture({
    id: 3,
    name: 'nightly',
    status: 'SCHEDULED',
    start: null,
    end: null,
    scheduledStart: NOW + 50_400_000,
    duration: 1_800_000,
    records: null,
  }),
  capture({ id: 2, name: '夜間バッチ', status: 'FAILED', reason: 'the disk is full' }),
  capture(),
];

function view(width: number, zone = 'UTC'): View {
  return { width, now: NOW, zone, isDetail: false };
}

function table(rows: readonly ListedCapture[], width: number, headers = true): Promise<string> {
  return drawnTable(rows, captureNoun.columns, { view: view(width), paint: plainPaint, headers });
}

async function drawnTable<Row>(...asked: Parameters<typeof renderTable<Row>>): Promise<string> {
  return (await renderTable(...asked)).text;
}

describe('a table of captures', () => {
  it('is cut to 80 columns', async () => {
    expect(await table(CAPTURES, 80)).toMatchInlineSnapshot(`
      "ID  NAME              STATUS     ENVIRONMENT   START           LENGTH    RECORDS
      ────────────────────────────────────────────────────────────────────────────────
       4  the whole of bl…  RUNNING    production-…  12m ago  12m 34s of 1h     12,345
       3  nightly           SCHEDULED  shop          in 14h             30m          -
       2  夜間バッチ        FAILED     shop          1h ago             30m  5,248,555
       1  friday            DONE       shop          1h ago             30m  5,248,555
      "
    `);
  });

  it('has room for dates at 120 columns', async () => {
    expect(await table(CAPTURES, 120)).toMatchInlineSnapshot(`
      "ID  NAME                 STATUS     ENVIRONMENT           START                                 LENGTH    RECORDS  OWNER
      ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
       4  the whole of black…  RUNNING    production-eu-centr…  2026-11-22 11:47:26 (12m ago)  12m 34s of 1h     12,345  ada
       3  nightly              SCHEDULED  shop                  2026-11-23 02:00:00 (in 14h)             30m          -  ada
       2  夜間バッチ           FAILED     shop                  2026-11-22 11:00:00 (1h ago)             30m  5,248,555  ada
       1  friday               DONE       shop                  2026-11-22 11:00:00 (1h ago)             30m  5,248,555  ada
      "
    `);
  });

  it('drops its last columns on a narrow terminal', async () => {
    expect(await table(CAPTURES, 40)).toMatchInlineSnapshot(`
      "ID  NAME                       STATUS
      ────────────────────────────────────────
       4  the whole of black frida…  RUNNING
       3  nightly                    SCHEDULED
       2  夜間バッチ                 FAILED
       1  friday                     DONE
      "
    `);
  });

  it.each([20, 40, 80, 120, 200])('is never wider than %i columns', async (width) => {
    const lines = (await table(CAPTURES, width)).split('\n');
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(width);
  });

  it('has its columns below one another where names are joined emoji, shown whole', async () => {
    const names = ['👨‍👩‍👧‍👦 family', '👩🏽‍💻', '🇩🇪 run', '❤️', '1️⃣ first', '可愛い', 'plain'];
    const lines = (
      await table(
        names.map((name) => capture({ name })),
        80,
      )
    )
      .trim()
      .split('\n');
    const places = lines
      .filter((line) => line.includes('DONE'))
      .map((line) => displayWidth(line.slice(0, line.indexOf('DONE'))));
    expect([places.length, new Set(places).size]).toEqual([names.length, 1]);
    for (const name of names) expect(lines.join('\n')).toContain(name);
  });

  it('looks the same however many rows it has', async () => {
    const rows = Array.from({ length: 101 }, () => capture());
    const many = (await table(rows, 80)).split('\n');
    const few = (await table(rows.slice(1), 80)).split('\n');
    expect(many.slice(0, 101)).toEqual(few.slice(0, 101));
    expect(many).toHaveLength(few.length + 1);
  });

  it('can do without its header', async () => {
    expect(await table([capture()], 120, false)).toBe(
      '1  friday  DONE  shop  2026-11-22 11:00:00 (1h ago)  30m  5,248,555  ada\n',
    );
  });

  it('shows a hostile name escaped and in one line', async () => {
    const hostile = capture({ name: 'a\u001b[31m\nb\u202e\u200bc' });
    const text = await table([hostile], 120);
    expect(text).toContain('a\\x1b[31m\\nb\\u{202e}\\u{200b}c');
    expect(text.split('\n')).toHaveLength(4);
  });

  it('takes the tone of a status as colour, and says it in words as well', async () => {
    const painted = await drawnTable(CAPTURES, captureNoun.columns, {
      view: view(120),
      paint: (tone, text) => `<${tone}>${text}</>`,
      headers: true,
    });
    expect(painted).toContain('<good>RUNNING  </>');
    expect(painted).toContain('<bad>FAILED   </>');
  });
});

describe('a table of servers', () => {
  const NAME = 'captures.example.com:42610';
  const server = {
    name: NAME,
    url: `https://${NAME}`,
    user: 'somebody-with-a-long-name',
    expiresAt: NOW,
    isCurrent: true,
  };

  it.each([80, 40])('has names and URLs whole at %i columns', async (width) => {
    const text = await drawnTable([server], serverNoun.columns ?? [], {
      view: view(width),
      paint: plainPaint,
      headers: true,
    });
    expect(text).toContain(`${NAME}  https://${NAME}`);
    expect(text.split('\n')[2]?.length).toBeLessThanOrEqual(Math.max(width, 2 * NAME.length + 10));
  });
});

describe('a table of changes', () => {
  const entry: AuditEntry = {
    id: 1,
    at: NOW - 60_000,
    author: { userId: 1, userName: 'ada' },
    action: 'capture.status',
    subject: { kind: 'capture', id: 1, name: 'friday-evening', environmentId: 1 },
    details: { from: 'STOPPING', to: 'DONE', records: 12_345 },
    reason: null,
    origin: { userName: 'captures', hostName: 'db-host', pid: 27_506 },
  };
  const drawn = (width: number): Promise<string> =>
    drawnTable([entry], auditNoun.columns ?? [], {
      view: view(width),
      paint: plainPaint,
      headers: true,
    });

  it('leaves out who ran what before it cuts what was changed', async () => {
    expect(await drawn(80)).toMatchInlineSnapshot(`
      "WHEN    WHO  WHAT            NAME            DETAILS
      ───────────────────────────────────────────────────────────────────────────
      1m ago  ada  capture.status  friday-evening  STOPPING → DONE, records=12345
      "
    `);
  });

  it('says the process id where there is room', async () => {
    expect(await drawn(120)).toContain('captures@db-host (27506)');
  });
});

describe('a capture shown alone', () => {
  it('has a line a field, with local times', () => {
    const detail = renderDetail(capture(), captureNoun.detail, {
      view: { ...view(80, 'Europe/Berlin'), isDetail: true },
      paint: plainPaint,
    });
    expect(detail).toMatchInlineSnapshot(`
      "id               1
      name             friday
      status           DONE
      environment      shop
      owner            ada
      reason           -
      start            2026-11-22 12:00:00 (1h ago)
      end              2026-11-22 12:30:00 (30m ago)
      scheduled start  -
      scheduled end    -
      length           30m
      records          5,248,555
      uncompressed     393 MiB
      on disk          29.6 MiB
      created          2026-11-22 12:00:00 (1h ago)
      environment id   3
      type             CAPTURE
      "
    `);
  });
});

it.each([
  ['DONE', '2026-11-22 13:28:00'],
  ['FAILED', '2026-11-22 13:28:00'],
  ['RUNNING', '2026-11-22 13:28:00 (in 1h 28m)'],
] as const)('the scheduled end of a capture that is %s reads %s', (status, shown) => {
  const scheduledEnd = Date.parse('2026-11-22T13:28:00Z');
  const column = captureNoun.detail.find(({ field }) => field === 'scheduledEnd');
  const cell = column?.cell(capture({ status, scheduledEnd }), { ...view(80), isDetail: true });
  expect(cell).toBe(shown);
});

it('a value that is longer than its line goes on below itself, and a path stays whole', () => {
  const path = `/home/ada/${'a'.repeat(40)}`;
  const reason = `the disk is full, so nothing more was recorded in ${path} from then on`;
  const detail = renderDetail(
    capture({ reason }),
    captureNoun.detail.filter(({ field }) => ['id', 'reason'].includes(field)),
    { view: { ...view(40), isDetail: true }, paint: (_tone, text) => `<${text}>` },
  );
  expect(detail).toBe(
    [
      '<id    >  1',
      '<reason>  the disk is full, so nothing',
      '        more was recorded in',
      `        ${path}`,
      '        from then on',
      '',
    ].join('\n'),
  );
});

describe('JSON of a capture', () => {
  it("has the reference API's fields first, in its order", () => {
    expect(JSON.stringify(captureJson(capture({ duration: 90_500 })))).toBe(
      '{"id":1,"name":"friday","start":"2026-11-22T11:00:00.000Z","scheduledStart":null,"scheduledEnd":null,"end":"2026-11-22T11:30:00.000Z","status":"DONE","envId":3,"type":"CAPTURE","reason":null,"environment":"shop","owner":"ada","duration":90.5,"createdAt":"2026-11-22T11:00:00.000Z","workload":{"records":5248555,"textBytes":412000000,"fileBytes":31000000},"options":{"includeUsers":[],"excludeUsers":[],"includeDatabases":[],"excludeDatabases":[],"includeHosts":[],"only":[],"sample":null,"redact":null,"maxSize":null,"minFree":null,"maxLog":null,"maxLag":null,"deadMan":3600,"warmUp":null,"recycleUsers":null},"trouble":null,"replayed":null}',
    );
  });

  it('has no workload where nothing is recorded', () => {
    expect(captureJson(capture({ records: null, textBytes: null, fileBytes: null }))).toMatchObject(
      {
        workload: null,
      },
    );
  });
});

describe('the fields of a noun', () => {
  const server = {
    engine: 'mysql' as const,
    user: 'r',
    host: 'h',
    port: 1,
    socket: null,
    database: null,
    passwordFrom: null,
    sslMode: 'PREFERRED' as const,
    sslCa: null,
    serverPublicKey: null,
  };
  const environment = {
    id: 1,
    name: 'e',
    server,
    region: null,
    instance: null,
    profile: null,
    endpointUrl: null,
    role: 'admin' as const,
    createdAt: 0,
  };
  const identity = {
    user: 'a',
    isStoreAdmin: true,
    kind: 'token' as const,
    expiresAt: 0,
    isReadOnly: true,
    environments: ['a'],
    server: null,
    store: '/s',
  };
  const daemon = {
    holder: { host: 'h', pid: 1, since: 0, background: false },
    recording: [],
    warmUps: [],
    nextStarts: [],
  };

  // An object that is a field by itself stands for what is in it.
  function paths(json: object, known: readonly string[], prefix = ''): string[] {
    return Object.entries(json).flatMap(([key, value]) =>
      value !== null &&
      typeof value === 'object' &&
      !Array.isArray(value) &&
      !known.includes(`${prefix}${key}`)
        ? paths(value as object, known, `${prefix}${key}.`)
        : [`${prefix}${key}`],
    );
  }

  function check<Row>(noun: Noun<Row>, row: Row): void {
    expect(paths(noun.toJson(row), noun.fields)).toEqual(noun.fields);
    for (const column of [...(noun.columns ?? []), ...(noun.detail ?? [])]) {
      expect(noun.fields).toContain(column.field);
      expect(column.cell(row, view(80))).not.toBe('');
    }
  }

  it('are those of its JSON, and every column is one of them', () => {
    const replayed = { sent: 1, skipped: 2, failed: 3 };
    check(captureNoun, capture({ replayed }));
    check(environmentNoun, environment);
    check(identityNoun, identity);
    check(daemonNoun, daemon);
  });
});

describe('delimited text', () => {
  const json = { a: 'x\ty\nz', b: null, c: { d: 1 }, e: 'say "hi", now', f: '\u001b]0;x\u0007' };
  const fields = ['a', 'b', 'c.d', 'e', 'f'];

  it('as TSV has one line a row, whatever the values hold', () => {
    expect(tsvRow(json, fields)).toBe('x\\ty\\nz\t\t1\tsay "hi", now\t\u001b]0;x\u0007\n');
  });

  it('as CSV quotes what RFC 4180 wants quoted', () => {
    expect(csvHeader(fields) + csvRow(json, fields)).toBe(
      'a,b,c.d,e,f\r\n"x\ty\nz",,1,"say ""hi"", now",\u001b]0;x\u0007\r\n',
    );
  });

  it('is not cut', () => {
    const long = 'x'.repeat(100_000);
    expect(tsvRow({ a: long }, ['a'])).toBe(`${long}\n`);
  });
});

describe('YAML', () => {
  it('quotes what would be read as something else', () => {
    const value = {
      name: 'friday night',
      yes: 'yes',
      number: 12,
      text: '12',
      none: null,
      colon: 'a: b',
      hostile: 'a\u001b\u202e\nb',
      empty: {},
      list: [],
      nested: { records: 1, parts: ['a', { b: false, c: [1, 2] }] },
    };
    expect(yamlDocument(value)).toBe(
      [
        'name: friday night',
        '"yes": "yes"',
        'number: 12',
        'text: "12"',
        'none: null',
        'colon: "a: b"',
        'hostile: "a\\u001b\\u202e\\nb"',
        'empty: {}',
        'list: []',
        'nested:',
        '  records: 1',
        '  parts:',
        '    - a',
        '    - b: false',
        '      c:',
        '        - 1',
        '        - 2',
        '',
      ].join('\n'),
    );
  });

  it('of a list has an item a row', () => {
    expect(yamlDocument([{ id: 1, name: 'a' }]) + yamlDocument([])).toBe(
      '- id: 1\n  name: a\n[]\n',
    );
  });
});

describe('escaped text', () => {
  it('holds nothing that a terminal obeys or hides', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeText(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
  });

  it('leaves what can be seen as it is', () => {
    expect(escapeText('naïve 夜 🙂 \\n "x"')).toBe('naïve 夜 🙂 \\n "x"');
  });

  it('shows lone surrogates', () => {
    expect(escapeText('\ud800')).toBe('\\u{d800}');
  });
});

describe('cut text', () => {
  it('fits, and says that it was cut', () => {
    expect([
      truncateName('nightly 2026-12-01 02:00', 16),
      truncateName('the whole of black friday', 16),
      truncate('friday', 6),
      truncate('friday', 4),
      truncate('夜間', 3),
      truncate('x', 0),
    ]).toEqual(['nightly…01 02:00', 'the whole of bl…', 'friday', 'fri…', '夜…', '']);
  });

  it('is cut before a number, not in the middle of one', () => {
    expect([
      truncateName('minute-check 2026-11-30 18:41', 20),
      truncateName('minute-check 2026-11-30 18:41', 12),
      truncateName('run123456789', 8),
    ]).toEqual(['minute-c…11-30 18:41', 'min…30 18:41', 'ru…56789']);
  });

  it.each([
    ['👩‍💻', 2],
    ['👨‍👩‍👧‍👦 family', 9],
    ['🇩🇪', 2],
    ['👍🏽', 2],
    ['❤️', 2],
    ['❤', 1],
    ['1️⃣', 2],
    ['e\u0301', 1],
  ])('counts %s as a terminal draws it: %i columns', (text, width) => {
    expect(displayWidth(text)).toBe(width);
    expect(escapeText(text)).toBe(text);
    expect(truncate(`ab${text}`, 3)).toBe(width === 1 ? `ab${text}` : 'ab…');
  });

  it('never takes more columns than it may', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.integer({ min: 0, max: 30 }),
        (text, width) => {
          expect(displayWidth(truncate(text, width))).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1 KiB'],
    [10_189, '10 KiB'],
    [1_048_575, '1 MiB'],
    [33_000_000, '31.5 MiB'],
    [5e15, '4.4 PiB'],
  ])('%i bytes are %s', (bytes, expected) => {
    expect(formatBytes(bytes)).toBe(expected);
  });

  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [5_248_555, '5,248,555'],
  ])('%i is %s', (count, expected) => {
    expect(formatCount(count)).toBe(expected);
  });

  it.each([
    [0, 'just now'],
    [-61_000, '1m 1s ago'],
    [61_000, 'in 1m 1s'],
  ])('%i ms from now is %s', (distance, expected) => {
    expect(formatRelative(NOW + distance, NOW, 2)).toBe(expected);
  });

  it.each([
    [20 * 3_600_000 + 58 * 60_000, 'in 21h'],
    [23 * 3_600_000 + 31 * 60_000, 'in 1d'],
    [59_600, 'in 1m'],
    [-14 * 86_400_000, '14d ago'],
    [-100 * 60_000, '1h ago'],
  ])('%i ms from now is %s where there is room for one part, rounded', (distance, expected) => {
    expect(formatRelative(NOW + distance, NOW, 1)).toBe(expected);
  });
});

describe('colour', () => {
  it.each([
    ['auto', {}, true, true],
    ['auto', {}, false, false],
    ['auto', { NO_COLOR: '1' }, true, false],
    ['auto', { NO_COLOR: '' }, true, true],
    ['auto', { TERM: 'dumb' }, true, false],
    ['auto', { FORCE_COLOR: '1' }, false, true],
    ['auto', { FORCE_COLOR: '0' }, true, false],
    ['auto', { CLICOLOR_FORCE: '1' }, false, true],
    ['auto', { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
    ['always', { NO_COLOR: '1' }, false, true],
    ['never', { FORCE_COLOR: '1' }, true, false],
  ] as const)('with %s and %o on a terminal (%s) is %s', (choice, env, isTTY, expected) => {
    expect(wantsColor(choice, env, isTTY)).toBe(expected);
  });
});

describe('a path into JSON', () => {
  it('is null where a part of it is', () => {
    expect([
      valueAt({ a: null }, 'a.b'),
      valueAt({}, 'a'),
      valueAt({ a: { b: 2 } }, 'a.b'),
    ]).toEqual([null, null, 2]);
  });
});

describe('a recovered server', () => {
  it('names the captures that ended by their ids, which are no count', async () => {
    const row: RecoveredServer = {
      environment: 'shop',
      server: 'db1:3306',
      recovered: true,
      endedCaptures: [16],
      settings: null,
      savedStatements: 0,
      savedTo: null,
      returnedStatements: 0,
      droppedStatements: 0,
      warnings: [],
    };
    const text = await drawnTable([row], recoveryNoun.columns ?? [], {
      view: view(120),
      paint: plainPaint,
      headers: true,
    });
    expect(text).toContain('id 16');
  });
});
