import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as z from 'zod/mini';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { resultOf } from '../../src/core/progress.ts';
import { linesOf } from '../../src/http/client/answer-texts.ts';
import { Connection } from '../../src/http/client/connection.ts';
import { readEvents } from '../../src/http/client/event-stream.ts';
import { defineRoute, NO_RESULT } from '../../src/http/contract/define-route.ts';
import { getReport } from '../../src/http/contract/report-routes.ts';
import type { Route } from '../../src/http/contract/route.ts';
import { frameHead, framesEnd, FRAMES_TYPE, readFrames } from '../../src/http/contract/frames.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function connectedTo(listener: RequestListener, patience?: number) {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connection = new Connection({
    url,
    version: '0.1.0',
    ...(patience === undefined ? {} : { patience }),
  });
  closing.push(async () => {
    connection.close();
    // Resolves when the last socket is closed: the client keeps none.
    await new Promise((resolve) => server.close(resolve));
  });
  return connection;
}

const shared = { tag: 'Test', summary: 'a test' };
const word = z.object({ word: z.string() });
const value = defineRoute({
  ...shared,
  id: 'value',
  at: 'GET /api/value',
  answer: { is: 'json', form: word },
});
const rows = defineRoute({
  ...shared,
  id: 'rows',
  at: 'GET /api/rows',
  answer: { is: 'rows', row: word },
});
const upload = defineRoute({
  ...shared,
  id: 'upload',
  at: 'POST /api/upload',
  body: 'bytes',
  isHeavy: true,
  answer: { is: 'progress', event: word, result: word, isSilent: false },
});
const slow = defineRoute({
  ...shared,
  id: 'slow',
  at: 'GET /api/slow',
  answer: { is: 'progress', event: word, result: word, isSilent: false },
});
const bytes = defineRoute({
  ...shared,
  id: 'bytes',
  at: 'GET /api/bytes',
  answer: { is: 'bytes', type: 'text/plain', result: NO_RESULT },
});

/** A text's bytes, cut into pieces of so many. */
async function* cut(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < data.length; from += size) {
    yield await Promise.resolve(data.subarray(from, from + size));
  }
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('an answer', () => {
  it.each([1, 2, 3, 7, 1_000])('of lines is read in pieces of %i bytes', async (size) => {
    const data = Buffer.from('\uFEFFé😀\n\nlast €\ncut short 😀');
    expect(await all(linesOf(cut(data, size)))).toEqual(['\uFEFFé😀', '', 'last €']);
  });

  it.each([1, 2, 5, 1_000])('of events is read in pieces of %i bytes', async (size) => {
    const data = Buffer.from('data: {"a":"é😀"}\n\n:\n\nevent: result\ndata: 1\n\ndata: cut short');
    expect(await all(readEvents(cut(data, size)))).toEqual([
      { event: null, data: '{"a":"é😀"}' },
      { event: 'result', data: '1' },
    ]);
  });

  it.each([1, 3, 4, 5, 1_000])('of frames is read in pieces of %i bytes', async (size) => {
    const data = Buffer.concat([
      frameHead(5),
      Buffer.from('hello'),
      frameHead(1),
      Buffer.from('!'),
      framesEnd({ result: { word: '😀' } }),
    ]);
    const read = readFrames(cut(data, size));
    const pieces: Uint8Array[] = [];
    for (;;) {
      const step = await read.next();
      if (step.done === true) {
        expect(step.value).toEqual({ result: { word: '😀' } });
        break;
      }
      pieces.push(step.value);
    }
    expect(Buffer.concat(pieces).toString()).toBe('hello!');
  });

  it('of one line of 64 MB takes no longer than its length', async () => {
    const megabyte = Buffer.alloc(1024 * 1024, 'x');
    async function* body(): AsyncGenerator<Uint8Array> {
      // As a socket hands it over: 16 KiB at a time.
      for (let turn = 0; turn < 64; turn += 1) yield* cut(megabyte, 16_384);
      yield Buffer.from('\n');
    }
    const [line = ''] = await all(linesOf(body()));
    expect(line.length).toBe(64 * 1024 * 1024);
  });

  it.each([
    ['rows', '{"word":"a"}\n'],
    ['rows', '{"word":"a"}\n{"word":"cut'],
  ])('of %s without its end is not whole, whoever cut it', async (_kind, text) => {
    // A proxy ends it as if it were whole.
    const connection = await connectedTo((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson', 'captures-api': '1' });
      response.end(text);
    });
    const read: string[] = [];
    await expect(async () => {
      for await (const row of connection.rows(rows, {})) read.push(row.word);
    }).rejects.toMatchObject({ code: 'remote_failed', hint: { fault: 'lost' } });
    expect(read).toEqual(['a']);
  });

  it('of rows leaves out those that are not understood, and says so', async () => {
    const connection = await connectedTo((_request, response) => {
      const type = { 'content-type': 'application/x-ndjson' };
      response.writeHead(200, { ...type, 'captures-api': '1', 'captures-version': '0.2.0' });
      response.end('{"word":"a"}\n{"word":5}\nnull\n{"word":"b"}\n["end"]\n');
    });
    expect(await connection.list(rows, {})).toEqual([{ word: 'a' }, { word: 'b' }]);
    const [warning = '', ...more] = connection.takeWarnings();
    expect(warning).toMatch(
      /^2 rows are left out that the server \S+ gave .*: it runs captures 0\.2\.0, this is 0\.1\.0$/,
    );
    expect(more).toEqual([]);
    expect(connection.takeWarnings()).toEqual([]);
  });

  it('of bytes without its end is not whole, whoever cut it', async () => {
    const connection = await connectedTo((_request, response) => {
      response.writeHead(200, { 'captures-api': '1', 'content-type': FRAMES_TYPE });
      response.end(Buffer.concat([frameHead(5), Buffer.from('hello')]));
    });
    await expect(resultOf(connection.bytes(bytes, {}))).rejects.toMatchObject({
      hint: { fault: 'lost' },
    });
  });

  it('that does not come is not waited for', async () => {
    const connection = await connectedTo(() => undefined, 50);
    await expect(connection.value(value, {})).rejects.toMatchObject({
      code: 'remote_failed',
      message: expect.stringMatching(/did not answer within 0\.05 seconds$/) as string,
    });
  });

  it('that is not in the form of this version says which version the server has', async () => {
    const connection = await connectedTo((_request, response) => {
      const headers = { 'captures-api': '1', 'captures-version': '0.2.0' };
      response.writeHead(200, { 'content-type': 'application/json', ...headers });
      response.end('{"words":[]}');
    });
    await expect(connection.value(value, {})).rejects.toMatchObject({
      message: expect.stringMatching(
        /runs captures 0\.2\.0, this is 0\.1\.0: its answer cannot be understood$/,
      ) as string,
      hint: { code: 'other_version', isServerNewer: true },
    });
  });

  it('of an operation that the server does not have says so', async () => {
    const connection = await connectedTo((_request, response) => {
      const headers = { 'captures-api': '1', 'captures-version': '0.0.9' };
      response.writeHead(404, { 'content-type': 'application/json', ...headers });
      response.end('{"code":404,"message":"There is no /api/value","isRefused":true}');
    });
    await expect(connection.value(value, {})).rejects.toMatchObject({
      message: expect.stringContaining('this is 0.1.0: There is no /api/value') as string,
      hint: { code: 'other_version', isServerNewer: false },
    });
  });

  it('is left at once when its reader is told to stop', async () => {
    const stop = new AbortController();
    const connection = await connectedTo((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'captures-api': '1' });
      response.write('data: {"word":"a"}\n\n');
    });
    const run = connection.progress(upload, { upload: cut(Buffer.from('x'), 1) }, stop.signal);
    expect(await run.next()).toEqual({ done: false, value: { word: 'a' } });
    const next = run.next();
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
  });
});

describe('an answer that is broken', () => {
  const OURS = { 'captures-api': '1', 'captures-version': '0.1.0' };
  const JSON_TYPE = { 'content-type': 'application/json' };
  const LINES = { 'content-type': 'application/x-ndjson' };
  const EVENTS = { 'content-type': 'text/event-stream' };
  const FRAMES = { 'content-type': FRAMES_TYPE };
  const HTML = { 'content-type': 'text/html; charset=utf-8' };

  it.each<[string, Route, number, Record<string, string>, string, string, string]>([
    [
      'no JSON',
      value,
      200,
      { ...OURS, ...JSON_TYPE },
      'hello',
      'not_understood',
      'an answer that is not JSON',
    ],
    [
      'half JSON',
      value,
      200,
      { ...OURS, ...JSON_TYPE },
      '{"word":"fr',
      'not_understood',
      'an answer that is not JSON',
    ],
    [
      'nothing',
      value,
      200,
      { ...OURS, ...JSON_TYPE },
      '',
      'not_understood',
      'an answer that is not JSON',
    ],
    [
      'another form',
      value,
      200,
      { ...OURS, ...JSON_TYPE },
      '{"words":1}',
      'not_understood',
      'an answer of another form',
    ],
    [
      'null',
      value,
      200,
      { ...OURS, ...JSON_TYPE },
      'null',
      'not_understood',
      'an answer of another form',
    ],
    ['HTML', value, 200, { ...OURS, ...HTML }, '<p>', 'not_understood', 'text/html, 200'],
    [
      'a failure as HTML',
      value,
      500,
      { ...OURS, ...HTML },
      '<p>',
      'not_understood',
      'text/html, 500',
    ],
    [
      'a failure of another form',
      value,
      404,
      { ...OURS, ...JSON_TYPE },
      '{"error":"x"}',
      'not_understood',
      'application/json, 404',
    ],
    ['HTML of another site', value, 200, HTML, '<p>', 'not_ours', '200 with text/html'],
    [
      'a failure of another site',
      value,
      404,
      JSON_TYPE,
      '{"code":404,"message":"Not Found"}',
      'not_ours',
      '404 with application/json',
    ],
    ['a proxy alone', value, 502, HTML, '<p>', 'proxy', 'it says 502'],
    ['a redirect', value, 302, { location: 'https://sso/' }, '', 'moved', 'to https://sso/'],
    [
      'a broken line',
      rows,
      200,
      { ...OURS, ...LINES },
      '{"word":"a"}\n{"wo\n{"word":"b"}\n["end"]\n',
      'not_understood',
      'a line that is not JSON',
    ],
    [
      'a broken end of lines',
      rows,
      200,
      { ...OURS, ...LINES },
      '["end\n',
      'not_understood',
      'a line that is not JSON',
    ],
    [
      'an odd failure behind lines',
      rows,
      200,
      { ...OURS, ...LINES },
      '["error",7]\n',
      'not_understood',
      'a failure of another form',
    ],
    [
      'one JSON for lines',
      rows,
      200,
      { ...OURS, ...JSON_TYPE },
      '[]',
      'not_understood',
      'application/json, 200',
    ],
    [
      'a broken event',
      slow,
      200,
      { ...OURS, ...EVENTS },
      'data: {"wo\n\n',
      'not_understood',
      'an event that is not JSON',
    ],
    [
      'an event of another form',
      slow,
      200,
      { ...OURS, ...EVENTS },
      'data: {}\n\n',
      'not_understood',
      'an event of another form',
    ],
    [
      'a broken result',
      slow,
      200,
      { ...OURS, ...EVENTS },
      'event: result\ndata: <\n\n',
      'not_understood',
      'a result that is not JSON',
    ],
    [
      'a broken failure',
      slow,
      200,
      { ...OURS, ...EVENTS },
      'event: error\ndata: {\n\n',
      'not_understood',
      'an event that is not JSON',
    ],
    [
      'an empty report',
      getReport,
      200,
      { ...OURS, ...EVENTS },
      'event: result\ndata: {}\n\n',
      'not_understood',
      'a result of another form',
    ],
    [
      'events that end',
      slow,
      200,
      { ...OURS, ...EVENTS },
      'data: {"word":"a"}\n\n',
      'lost',
      'was lost',
    ],
    [
      'a failure of another form behind bytes',
      bytes,
      200,
      { ...OURS, ...FRAMES },
      '\0\0\0\0{"error":1}',
      'not_understood',
      'a failure of another form',
    ],
    [
      'bytes as they are',
      bytes,
      200,
      { ...OURS, 'content-type': 'text/plain' },
      'hello',
      'not_understood',
      'text/plain, 200',
    ],
  ])(
    'as %s is said to be that, with what came',
    async (_what, route, status, headers, body, fault, says) => {
      const connection = await connectedTo((_request, response) => {
        response.writeHead(status, headers);
        response.end(body);
      });
      const asked = async (): Promise<unknown> => {
        const { is } = route.answer;
        if (is === 'rows') return connection.list(route, {});
        if (is === 'progress')
          return resultOf(connection.progress(route, { params: { capture: '1' } }));
        if (is === 'bytes') return resultOf(connection.bytes(route, {}));
        return connection.value(route, {});
      };
      const error: unknown = await asked().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: 'remote_failed', hint: { code: 'check_server', fault } });
      expect((error as AppError).message).toContain(says);
      expect((error as AppError).message).toContain('127.0.0.1:');
    },
  );
});

describe('an upload', () => {
  it('that cannot be read fails with what its reader said', async () => {
    const connection = await connectedTo((request) => void request.resume());
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('begun'));
      throw new Error('the disk failed');
    }
    await expect(resultOf(connection.progress(upload, { upload: broken() }))).rejects.toThrow(
      'the disk failed',
    );
  });

  it('that is refused before its end is not sent to its end', async () => {
    const connection = await connectedTo((_request, response) => {
      response.writeHead(403, { 'content-type': 'application/json', 'captures-api': '1' });
      response.end('{"code":403,"message":"Not you"}');
    });
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        sent += 1;
        yield await Promise.resolve(Buffer.alloc(65_536));
      }
    }
    await expect(
      resultOf(connection.progress(upload, { upload: endless() })),
    ).rejects.toMatchObject({ code: 'forbidden', message: 'Not you' });
    expect(sent).toBeGreaterThan(0);
  });
});
