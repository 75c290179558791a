import { Refusal } from './refusal.ts';

/** The second is what `curl -d '{…}'` says unless it is told more: what is in it has to be JSON all the same. */
const JSON_TYPES = ['application/json', 'application/x-www-form-urlencoded'];

/** Every body that is JSON is far smaller. */
const LARGEST_BODY_BYTES = 1024 * 1024;
/** It has to have come by then. */
const BODY_MS = 30_000;
/** Of an upload, which may be long: as long as nothing of it comes. */
const SILENCE_MS = 60_000;

/**
 * Reads a body of JSON.
 * @returns an empty object where there is none.
 * @throws Refusal 413 for one that is too large, without reading on; 408 for one that does not come; 400 for
 *   what is no JSON object.
 */
export async function readJsonBody(body: AsyncIterable<Uint8Array>): Promise<object> {
  const bytes = Buffer.concat(await piecesOf(body));
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal(400, 'The body is not valid JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Refusal(400, 'The body must be a JSON object');
}

/**
 * Reads a body of JSON that somebody else decodes.
 * @param ms for all of it.
 * @throws Refusal 413, 408.
 */
export async function piecesOf(
  body: AsyncIterable<Uint8Array>,
  ms = BODY_MS,
): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of timed(body, ms, 'all')) {
    size += piece.length;
    if (size > LARGEST_BODY_BYTES) throw tooLarge();
    pieces.push(piece);
  }
  return pieces;
}

/** An upload as it comes. @throws Refusal 408 where nothing comes for `ms`. */
export function uploaded(
  body: AsyncIterable<Uint8Array>,
  ms = SILENCE_MS,
): AsyncGenerator<Uint8Array, void, void> {
  return timed(body, ms, 'each');
}

/** @throws Refusal 413 for a length that is said and too large; 415 for a body that is not JSON. */
export function checkJsonHeaders(headers: {
  readonly 'content-length'?: string | undefined;
  readonly 'content-type'?: string | undefined;
  readonly 'content-encoding'?: string | undefined;
  readonly 'transfer-encoding'?: string | undefined;
}): void {
  const length = Number(headers['content-length'] ?? 0);
  if (length === 0 && headers['transfer-encoding'] === undefined) return;
  if (length > LARGEST_BODY_BYTES) throw tooLarge();
  const [type = ''] = (headers['content-type'] ?? 'application/json').split(';', 1);
  if (!JSON_TYPES.includes(type.trim().toLowerCase())) {
    throw new Refusal(415, `The body must be application/json, not ${type.trim()}`);
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new Refusal(415, `The body must not be encoded (${encoding})`);
}

function tooLarge(): Refusal {
  return new Refusal(413, `The body is larger than ${LARGEST_BODY_BYTES / 1024 / 1024} MiB`);
}

async function* timed(
  body: AsyncIterable<Uint8Array>,
  ms: number,
  of: 'all' | 'each',
): AsyncGenerator<Uint8Array, void, void> {
  const pieces = body[Symbol.asyncIterator]();
  const start = performance.now();
  try {
    for (;;) {
      const left = of === 'each' ? ms : ms - (performance.now() - start);
      const step = await inTime(pieces.next(), left);
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    // Not waited for: it comes behind a piece that may never come.
    void pieces.return?.().catch(() => undefined);
  }
}

async function inTime<Value>(promise: Promise<Value>, ms: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_resolve, reject) => {
        const late = new Refusal(408, 'The body took too long to come');
        timer = setTimeout(() => reject(late), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
