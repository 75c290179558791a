import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserService } from '../../src/core/users/user-service.ts';
import { HANDLERS } from '../../src/http/server/handlers/all-handlers.ts';
import { cloudWatchProvider } from '../../src/metrics-source/cloudwatch/provider.ts';
import { engineMetrics } from '../../src/metrics-source/mysql-status/engine-metrics.ts';
import { workloadFiles } from '../../src/workload/stored-workloads.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { FakeSource, inspectionOf } from '../support/server-inspection.ts';
import { SERVER, TestStore } from '../support/stores.ts';

const NOW = '2026-11-22T12:00:00.000Z';
const test = new TestStore(new ManualClock());
const { store, clock } = test;
const ada = test.user('ada');
const shop = test.environment({ admin: [ada] }, { name: 'shop' });
const recorded = test.environment({ admin: [ada] }, { name: 'recorded', server: SERVER });
const hidden = test.environment({ admin: [test.user('eve')] }, { name: 'hidden' });
let server: TestServer;
let secret: string;

beforeAll(async () => {
  server = await serveStore(store, clock, {
    servers: () => Promise.resolve(new FakeSource(inspectionOf())),
    metricSources: () =>
      Promise.resolve({
        provider: cloudWatchProvider(() => Promise.reject(new Error('not asked'))),
        counters: engineMetrics,
      }),
    workloads: () => Promise.resolve(workloadFiles(store)),
    daemons: {
      start: () => Promise.resolve({ pid: 1, logFile: 'daemon.log' }),
      isRunning: () => true,
    },
  });
  ({ secret } = await new UserService(store, clock).createToken(ada, 'script'));
});
afterAll(() => server.close());

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Asks as any client would; the path goes out as it is. */
function ask(at: string, body: unknown = null): Promise<Answer> {
  const [method = '', path = ''] = at.split(' ');
  return new Promise((resolve, reject) => {
    const sent = request(
      server.url,
      { method, path, headers: { authorization: `Bearer ${secret}` } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    sent.on('error', reject);
    sent.end(body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  });
}

function failed(code: number, message: string): Answer {
  return { status: code, body: JSON.stringify({ code, message }) };
}

async function made(body: object): Promise<Record<string, unknown> & { id: number }> {
  const { status, body: text } = await ask('POST /api/captures', body);
  expect({ status, text }).toMatchObject({ status: 200 });
  return JSON.parse(text) as Record<string, unknown> & { id: number };
}

const FIELDS = 'id name start scheduledStart scheduledEnd end status envId type reason'.split(' ');

describe('POST /api/captures', () => {
  it("answers the capture, the reference's fields first, and does not wait for its start", async () => {
    const capture = await made({
      name: 'myCapture',
      start: null,
      end: null,
      envId: recorded.id,
      scheduledStart: null,
    });
    expect(Object.keys(capture).slice(0, 10)).toEqual(FIELDS);
    expect(capture).toMatchObject({
      name: 'myCapture',
      start: null,
      scheduledStart: null,
      scheduledEnd: null,
      end: null,
      status: 'STARTED',
      envId: recorded.id,
      type: 'CAPTURE',
      reason: null,
    });
  });

  it("reads dates as the reference's sample has them, and seconds", async () => {
    const capture = await made({
      name: 'over',
      envId: shop.id,
      start: '2018-05-19 12:00:00',
      duration: 90,
    });
    expect(capture).toMatchObject({
      status: 'DONE',
      start: '2018-05-19T12:00:00.000Z',
      scheduledEnd: '2018-05-19T12:01:30.000Z',
      end: '2018-05-19T12:01:30.000Z',
      duration: 90,
    });
  });

  it('takes the name of an environment, options, and nothing that is not to be given', async () => {
    const capture = await made({
      name: 'named',
      environment: 'recorded',
      status: 'SCHEDULED',
      scheduledStart: '2026-11-23T02:00:00Z',
      ownerId: 99,
      owner: 'eve',
      id: 1234,
      reason: 'mine',
      createdAt: '2000-01-01',
      options: { excludeUsers: ['backup'], maxLag: 30 },
    });
    expect(capture).toMatchObject({
      status: 'SCHEDULED',
      owner: 'ada',
      ownerId: ada.userId,
      reason: null,
      createdAt: NOW,
      options: { excludeUsers: ['backup'], includeUsers: [], maxLag: 30, deadMan: 3_600 },
    });
    expect(capture.id).not.toBe(1234);
  });

  const ok = { name: 'refused', envId: shop.id };
  it.each([
    [{ ...ok, duration: 5 }, 'Duration must be at least 60 seconds'],
    [{ ...ok, status: 'SCHEDULED' }, 'Cannot schedule without a schedule start time'],
    [{ ...ok, name: 'OVER' }, 'Capture with the same name already exists in this environment'],
    [
      { ...ok, status: 'DONE' },
      'The status of a new capture is one of SCHEDULED, STARTED, STARTING',
    ],
    [{ ...ok, start: '2026-11-22 12:00:01' }, 'The start of a capture cannot be in the future'],
    [{ ...ok, name: undefined }, '"name" in the body is missing'],
    [{ name: 'x' }, '"envId" in the body is missing: give envId, or environment with a name'],
    [{ ...ok, name: 5 }, '"name" in the body must be a text'],
    [{ ...ok, envId: String(shop.id) }, '"envId" in the body must be a number'],
    [{ ...ok, envId: 1.5 }, '"envId" in the body must be a whole number'],
    [{ ...ok, duration: '60' }, '"duration" in the body must be a number'],
    [{ ...ok, start: 5 }, '"start" in the body must be a text'],
    [{ ...ok, start: '2018-02-30' }, '"start" in the body must be a date'],
    [
      { ...ok, options: { only: ['all'] } },
      '"options.only" in the body must be one of reads, writes, ddl',
    ],
    [{ ...ok, options: [] }, '"options" in the body must be an object'],
  ])('refuses %j', async (body, message) => {
    expect(await ask('POST /api/captures', body)).toEqual(failed(400, message));
  });

  it('says of a name that is too long what the command line says', async () => {
    const { status, body } = await ask('POST /api/captures', { ...ok, name: 'x'.repeat(65) });
    expect({ status, body }).toEqual({ status: 400, body: expect.stringContaining('64') });
  });

  it.each([0, 99_999, hidden.id])('does not know environment %i', async (envId) => {
    expect(await ask('POST /api/captures', { ...ok, envId })).toEqual(
      failed(404, 'Environment does not exist'),
    );
  });

  it.each(['{', '[]', '"a"', 'null'])('refuses the body %s', async (body) => {
    expect((await ask('POST /api/captures', body)).status).toBe(400);
  });
});

describe('GET /api/captures', () => {
  it('lists, newest first, by environment id or name', async () => {
    const all = JSON.parse((await ask('GET /api/captures')).body) as { name: string }[];
    const [first] = all;
    expect(Object.keys(first ?? {}).slice(0, 10)).toEqual(FIELDS);
    const byName = await ask('GET /api/captures?env=recorded');
    expect(byName).toEqual(await ask(`GET /api/captures?env=${recorded.id}`));
    const named = (JSON.parse(byName.body) as { name: string }[]).map(({ name }) => name);
    expect(named).toEqual(['named', 'myCapture']);
  });

  it.each(['nowhere', '99999', 'hidden', '', '-1', '%00'])('knows no env=%s', async (env) => {
    expect(await ask(`GET /api/captures?env=${env}`)).toEqual(
      failed(404, 'Environment does not exist'),
    );
  });

  it('refuses what is no status, no limit and no date', async () => {
    expect(await ask('GET /api/captures?status=WRONG')).toEqual(
      failed(
        400,
        '"status" in the query must be one of SCHEDULED, STARTED, STARTING, RUNNING, STOPPING, DONE, FAILED',
      ),
    );
    expect(await ask('GET /api/captures?limit=-1')).toEqual(
      failed(400, '"limit" in the query must be a whole number'),
    );
    expect(await ask('GET /api/captures?since=friday')).toEqual(
      failed(400, '"since" in the query must be a date'),
    );
  });
});

describe('GET /api/captures/{id}', () => {
  it('answers the capture, by id, name, or environment and name', async () => {
    const byName = await ask('GET /api/captures/over');
    const { id } = JSON.parse(byName.body) as { id: number };
    expect(byName.status).toBe(200);
    expect(await ask(`GET /api/captures/${id}`)).toEqual(byName);
    expect(await ask('GET /api/captures/shop%2Fover')).toEqual(byName);
  });

  it.each([
    '-1',
    '1.5',
    '0x1',
    '1e3',
    '9'.repeat(30),
    '..',
    '.',
    '%2e%2e',
    '%00',
    '%F0%9F%92%A5',
    'x'.repeat(900),
    'x'.repeat(5_000),
    '%zz',
    '%20',
    "1'--",
  ])('does not know %s', async (id) => {
    for (const at of [`GET /api/captures/${id}`, `DELETE /api/captures/${id}`]) {
      const { status, body } = await ask(at);
      expect([400, 404]).toContain(status);
      expect(JSON.parse(body)).toMatchObject({ code: status });
    }
  });
});

describe('every operation on a capture', () => {
  const routes = HANDLERS.map(({ route }) => route).filter(({ path }) =>
    path.includes('{capture}'),
  );
  const needed: Readonly<Record<string, string>> = {
    exportWorkload: '?format=csv',
    waitForCapture: '?until=over',
  };

  it.each(routes.map(({ id, method, path }) => [id, `${method} ${path}`]))(
    '%s knows no capture that is none',
    async (id, at) => {
      for (const odd of ['-1', '1.5', '0x1', '9'.repeat(30), '..', '%00', 'a%2Fb', '99999']) {
        const asked = `${at.replace('{capture}', odd)}${needed[id] ?? ''}`;
        const { status, body } = await ask(asked);
        expect({ asked, status, body }).toEqual({
          asked,
          status: expect.toBeOneOf([400, 404]),
          body: expect.stringContaining(`"code":${status}`),
        });
      }
    },
  );
});

describe('PUT /api/captures/{id}', () => {
  it('renames, answers without a body, and obeys nothing else', async () => {
    const { id, ...before } = await made({ name: 'before', envId: shop.id });
    const edit = {
      name: 'newName',
      status: 'DONE',
      start: '2018-01-01',
      ownerId: 99,
      envId: hidden.id,
      scheduledStart: null,
      duration: null,
    };
    expect(await ask(`PUT /api/captures/${id}`, edit)).toEqual({ status: 200, body: '' });
    const after = JSON.parse((await ask(`GET /api/captures/${id}`)).body) as object;
    delete before['mayLackValues'];
    expect(after).toEqual({ ...before, id, name: 'newName' });
  });

  it("refuses in the reference's words", async () => {
    expect(await ask('PUT /api/captures/newName', { name: 'over' })).toEqual(
      failed(400, 'Capture with the same name already exists in this environment'),
    );
    expect(await ask('PUT /api/captures/newName', { duration: 5 })).toEqual(
      failed(400, 'Duration must be at least 60 seconds'),
    );
    expect(await ask('PUT /api/captures/none', { name: 'x' })).toEqual(
      failed(404, 'Capture not found'),
    );
    expect(await ask('PUT /api/captures/newName', { name: 5 })).toEqual(
      failed(400, '"name" in the body must be a text'),
    );
  });
});

describe('POST /api/captures/{id}/stop', () => {
  it('stops, answers without a body, and then says why not', async () => {
    const at = 'POST /api/captures/newName/stop';
    expect(await ask(at)).toEqual({ status: 200, body: '' });
    expect(await ask(at)).toEqual(failed(409, 'This capture has already been stopped'));
    expect(await ask('POST /api/captures/myCapture/stop')).toEqual(
      failed(409, 'Cannot stop a capture until it has started completely. Try again soon.'),
    );
    expect(await ask('POST /api/captures/none/stop')).toEqual(failed(404, 'Capture not found'));
    const { id } = await made({ name: 'failing', envId: recorded.id });
    store.captures.move(id, 'STARTED', 'FAILED', { reason: 'x' });
    expect(await ask(`POST /api/captures/${id}/stop`)).toEqual(
      failed(409, 'This capture failed and is no longer running'),
    );
  });

  it('stops the one that is called import, or stop', async () => {
    for (const name of ['import', 'stop']) {
      await made({ name, envId: shop.id });
      expect(await ask(`POST /api/captures/${name}/stop`)).toEqual({ status: 200, body: '' });
    }
  });
});

describe('DELETE /api/captures/{id}', () => {
  it('deletes, answers without a body, and then does not know it', async () => {
    expect(await ask('DELETE /api/captures/newName')).toEqual({ status: 200, body: '' });
    expect(await ask('DELETE /api/captures/newName')).toEqual(failed(404, 'Capture not found'));
  });
});
