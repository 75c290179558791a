import { setImmediate } from 'node:timers/promises';
import * as z from 'zod/mini';
import { AppError, isAppError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { Answer } from '../contract/route.ts';
import { failureOnWire, type FailureOnWire } from '../contract/failure-form.ts';
import { frameHead, framesEnd, FRAMES_TYPE, type FramesEnd } from '../contract/frames.ts';
import { errorLine, LAST_LINE } from '../contract/row-lines.ts';
import type { AnsweredBytes } from './handler.ts';
import type { AnswerSink } from './exchange.ts';
import { Refusal, serverEnds } from './refusal.ts';
import { LEFT, Steps } from './left-steps.ts';

/** How the client would like to have it. */
export interface Wishes {
  readonly wantsEvents: boolean;
  readonly wantsLines: boolean;
  /** Whether bytes may be in frames. */
  readonly wantsFrames: boolean;
  readonly takesTrailers: boolean;
  readonly isOwnClient: boolean;
}

/** How a stream ends that would go on. */
export interface Circumstances {
  /** Aborted when the server is about to end. */
  readonly ending: AbortSignal;
  /** What an answer is waited for then, in milliseconds, where it is no stream. */
  readonly soonMs: number;
  /** Tells the use case that nobody listens any more. */
  readonly stop: (reason: Error) => void;
  /** Whether the use case, once it is told, is waited for until it has ended. */
  readonly isAwaited: boolean;
  /** Told of a failure that comes when the answer has begun: it is thrown no more. */
  readonly onLateFailure: (error: unknown) => void;
  /** To be said with an answer that takes no while. */
  readonly headers: Headers;
}

type Headers = Readonly<Record<string, string>>;

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** Writes what a handler returned. @throws what the use case throws before anything was written. */
export async function writeAnswer(
  answer: Answer,
  returned: unknown,
  sink: AnswerSink,
  wishes: Wishes & Circumstances,
): Promise<void> {
  switch (answer.is) {
    case 'json':
      return writeJson(sink, z.encode(answer.form, await returned), wishes.headers);
    case 'nothing':
      await returned;
      return writeNothing(sink);
    case 'rows':
      return writeRows(answer.row, await (returned as Rows), sink, wishes);
    case 'progress': {
      const run = returned as Progress<unknown, unknown>;
      if (wishes.wantsEvents) return writeEvents(answer, run, sink, wishes);
      const result = await lastOf(run, sink, wishes);
      if (result === LEFT) return;
      if (answer.isSilent) return writeNothing(sink);
      return writeJson(sink, z.encode(answer.result, result));
    }
    case 'live':
      return writeEvents(
        { event: answer.event, result: null },
        returned as Progress<unknown, unknown>,
        sink,
        wishes,
      );
    case 'bytes':
      return wishes.wantsFrames
        ? writeFrames(answer.result, await (returned as Promise<Bytes>), sink, wishes)
        : writeBytes(answer.result, await (returned as Promise<Bytes>), sink, wishes);
  }
}

type Rows = AsyncIterable<unknown> | Promise<readonly unknown[]>;
type Bytes = AnsweredBytes<unknown>;

/**
 * @returns `LEFT` where the client went before it was there: nobody would read it.
 * @throws Refusal 503 when the server ends and it is not there soon.
 */
async function lastOf(
  run: Progress<unknown, unknown>,
  { gone }: AnswerSink,
  { ending, soonMs, stop, isAwaited }: Circumstances,
): Promise<unknown> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const hurry = (): void => {
    timer = setTimeout(() => late.abort(), soonMs);
  };
  ending.addEventListener('abort', hurry, { once: true });
  const steps = new Steps([gone, late.signal]);
  try {
    for (;;) {
      const step = await steps.next(run.next());
      if (step === LEFT) {
        stop(new Error('Nobody waits any more'));
        const end = run.return(undefined).catch(() => undefined);
        if (isAwaited) await end;
        if (gone.aborted) return LEFT;
        throw serverEnds();
      }
      if (step.done === true) return step.value;
    }
  } finally {
    ending.removeEventListener('abort', hurry);
    clearTimeout(timer);
    steps.close();
  }
}

async function writeJson(sink: AnswerSink, value: unknown, more: Headers = {}): Promise<void> {
  const text = JSON.stringify(value);
  sink.start(200, {
    ...JSON_TYPE,
    ...more,
    'content-length': String(Buffer.byteLength(text)),
  });
  await sink.write(text);
  await sink.end();
}

async function writeNothing(sink: AnswerSink): Promise<void> {
  sink.start(200, { 'content-length': '0' });
  await sink.end();
}

/** Rows are written together until there are so many characters of them. */
const ENOUGH = 16_384;

async function writeRows(
  row: z.ZodMiniType,
  rows: AsyncIterable<unknown> | readonly unknown[],
  sink: AnswerSink,
  { wantsLines, takesTrailers, isOwnClient, onLateFailure, headers }: Wishes & Circumstances,
): Promise<void> {
  const saysEnd = wantsLines && isOwnClient;
  let text = wantsLines ? '' : '[';
  let isFirst = true;
  try {
    for await (const one of rows) {
      const json = rowAsJson(row, one, onLateFailure) ?? (saysEnd ? 'null' : null);
      if (json === null) continue;
      text += wantsLines ? `${json}\n` : isFirst ? json : `,${json}`;
      isFirst = false;
      if (text.length >= ENOUGH) {
        if (!sink.isStarted) startRows(sink, wantsLines, headers);
        await sink.write(text);
        text = '';
        // Rows that are there at once would keep all other requests waiting until the last of them is written.
        await setImmediate();
      }
      if (sink.gone.aborted) return;
    }
  } catch (error) {
    if (!saysEnd || !sink.isStarted) {
      await failLate(sink, error, { takesTrailers, isOwnClient, onLateFailure });
      return;
    }
    onLateFailure(error);
    await sink.write(text + errorLine(failureAsJson(error, true)));
    await sink.end();
    return;
  }
  if (!wantsLines) text += ']';
  if (saysEnd) text += LAST_LINE;
  if (!sink.isStarted) startRows(sink, wantsLines, headers);
  if (text !== '') await sink.write(text);
  await sink.end();
}

/** null for one that cannot be written: it keeps no other from being read, and our own client says that it is missing. */
function rowAsJson(
  row: z.ZodMiniType,
  value: unknown,
  onFailure: (error: unknown) => void,
): string | null {
  try {
    return JSON.stringify(z.encode(row, value));
  } catch (error) {
    onFailure(error);
    return null;
  }
}

function startRows(sink: AnswerSink, areLines: boolean, headers: Headers): void {
  const type = areLines ? { 'content-type': 'application/x-ndjson' } : JSON_TYPE;
  sink.start(200, { ...type, ...headers });
}

/** A client is told that often that the stream is alive; one that is not there any more is found out so. */
const HEARTBEAT_MS = 15_000;

async function writeEvents(
  forms: { readonly event: z.ZodMiniType; readonly result: z.ZodMiniType | null },
  run: Progress<unknown, unknown>,
  sink: AnswerSink,
  { isOwnClient, ending, stop, isAwaited, onLateFailure }: Wishes & Circumstances,
): Promise<void> {
  const write = async (text: string): Promise<void> => {
    if (!sink.isStarted) {
      sink.start(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    }
    await sink.write(text);
  };
  const send = (event: string | null, value: unknown): Promise<void> => {
    const name = event === null ? '' : `event: ${event}\n`;
    return write(`${name}data: ${JSON.stringify(value ?? null)}\n\n`);
  };
  const heartbeat = setInterval(() => void write(':\n\n'), HEARTBEAT_MS);
  const steps = new Steps([ending, sink.gone]);
  try {
    for (;;) {
      const step = await steps.next(run.next());
      if (step === LEFT) {
        stop(new Error('Nobody listens any more'));
        // It comes behind a step that may be far away.
        const end = run.return(undefined).catch(() => undefined);
        if (isAwaited) await end;
        if (sink.gone.aborted) return;
        throw serverEnds();
      }
      if (step.done === true) {
        const { result } = forms;
        await send('result', result === null ? null : z.encode(result, step.value));
        break;
      }
      await send(null, z.encode(forms.event, step.value));
    }
  } catch (error) {
    if (!sink.isStarted) throw error;
    onLateFailure(error);
    await send('error', failureAsJson(error, isOwnClient));
  } finally {
    clearInterval(heartbeat);
    steps.close();
  }
  await sink.end();
}

/** Bytes in frames, for our own client. */
async function writeFrames(
  result: z.ZodMiniType,
  { chunks }: Bytes,
  sink: AnswerSink,
  { onLateFailure }: Circumstances,
): Promise<void> {
  const start = (): void => {
    if (!sink.isStarted) sink.start(200, { 'content-type': FRAMES_TYPE });
  };
  let end: FramesEnd;
  try {
    for (;;) {
      const step = await chunks.next();
      if (step.done === true) {
        end = { result: z.encode(result, step.value) };
        break;
      }
      if (step.value.length === 0) continue;
      start();
      await sink.write(frameHead(step.value.length));
      await sink.write(step.value);
      if (sink.gone.aborted) {
        await chunks.return(undefined);
        return;
      }
    }
  } catch (error) {
    if (!sink.isStarted) throw error;
    onLateFailure(error);
    end = { error: failureAsJson(error, true) };
  }
  start();
  await sink.write(framesEnd(end));
  await sink.end();
}

async function writeBytes(
  result: z.ZodMiniType,
  { type, chunks, isFollowed = false }: Bytes,
  sink: AnswerSink,
  wishes: Wishes & Circumstances,
): Promise<void> {
  const start = (): void => {
    const trailers = wishes.takesTrailers ? { trailer: 'Captures-Result, Captures-Error' } : {};
    if (!sink.isStarted) sink.start(200, { 'content-type': type, ...trailers });
  };
  let next = chunks.next();
  try {
    if (isFollowed && !(await settlesWithin(next, HEAD_AFTER_MS))) {
      start();
      await sink.write('');
    }
    for (;;) {
      const step = await next;
      if (step.done === true) {
        start();
        const value = JSON.stringify(z.encode(result, step.value));
        await sink.end(wishes.takesTrailers ? { 'captures-result': inHeader(value) } : {});
        return;
      }
      start();
      await sink.write(step.value);
      if (sink.gone.aborted) {
        await chunks.return(undefined);
        return;
      }
      next = chunks.next();
    }
  } catch (error) {
    await failLate(sink, error, wishes);
  }
}

/** What is refused is refused by then; it can be said by the status. */
const HEAD_AFTER_MS = 300;

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A header has no place for what is not ASCII. */
function inHeader(json: string | undefined): string {
  return Buffer.from(json ?? 'null').toString('base64url');
}

/** @throws the error again where the status can still say it. */
async function failLate(
  sink: AnswerSink,
  error: unknown,
  {
    takesTrailers,
    isOwnClient,
    onLateFailure,
  }: Pick<Wishes & Circumstances, 'takesTrailers' | 'isOwnClient' | 'onLateFailure'>,
): Promise<void> {
  if (!sink.isStarted) throw error;
  onLateFailure(error);
  if (!takesTrailers) {
    sink.breakOff();
    return;
  }
  const failure = JSON.stringify(failureAsJson(error, isOwnClient));
  await sink.end({ 'captures-error': inHeader(failure) });
}

/** A failure before anything was written. */
export async function writeFailure(
  sink: AnswerSink,
  error: unknown,
  isOwnClient: boolean,
): Promise<void> {
  const failure = failureAsJson(error, isOwnClient);
  const text = JSON.stringify(failure);
  const headers = error instanceof Refusal ? error.headers : {};
  sink.start(failure.code, {
    ...JSON_TYPE,
    'content-length': String(Buffer.byteLength(text)),
    ...(failure.code === 401 ? { 'www-authenticate': 'Bearer realm="captures"' } : {}),
    ...headers,
  });
  await sink.write(text);
  await sink.end();
}

function failureAsJson(error: unknown, isOwnClient: boolean): FailureOnWire {
  if (error instanceof Refusal) {
    const { status: code, message } = error;
    return isOwnClient ? { code, message, isRefused: true } : { code, message };
  }
  if (isAppError(error)) return failureOnWire(error, isOwnClient);
  // What it was is for the log of the daemon alone.
  return failureOnWire(new AppError('internal', 'Unexpected error'), isOwnClient);
}

/** Whether nobody but the server's administrator can do anything about it. */
export function isBug(error: unknown): boolean {
  return !(error instanceof Refusal) && !isAppError(error);
}
