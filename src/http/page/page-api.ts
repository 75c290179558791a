import { readPageEvents } from './page-events.ts';

/** A failure as the API answers it, word for word; `status` is 0 where there was no answer. */
export class ApiFailure extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

interface Request {
  readonly body?: object;
  readonly query?: Readonly<Record<string, string | null>>;
  readonly signal?: AbortSignal;
}

/**
 * Asks the API that the page came from, and nothing else. The token is in this object alone: a reload
 * forgets it.
 */
export class PageApi {
  #token: string | null = null;
  /** The server's clock minus ours, in milliseconds, to the second. */
  #ahead = 0;
  /** Told when the token is no longer good. */
  onLoggedOut: (message: string) => void = () => undefined;

  /** @param token null for nobody. */
  setToken(token: string | null): void {
    this.#token = token;
  }

  get hasToken(): boolean {
    return this.#token !== null;
  }

  /** Now by the server's clock: that of the viewer may be wrong. */
  now(): number {
    return Date.now() + this.#ahead;
  }

  /** The answer's JSON; null for one without a body. @throws ApiFailure; AbortError. */
  async ask<Answer>(method: Method, path: string, request: Request = {}): Promise<Answer> {
    const response = await this.#send(method, path, request, 'application/json');
    const text = await textOf(response);
    if (text === '') return null as Answer;
    return parsed(text) as Answer;
  }

  /**
   * What happens while an operation runs, then its result.
   * @throws ApiFailure; AbortError.
   */
  async *follow<Event, Result>(
    method: Method,
    path: string,
    request: Request,
  ): AsyncGenerator<Event, Result, void> {
    const response = await this.#send(method, path, request, 'text/event-stream');
    if (!isEvents(response)) return parsed(await textOf(response)) as Result;
    for await (const { name, data } of readPageEvents(chunksOf(response))) {
      if (name === 'result') return parsed(data) as Result;
      if (name === 'error') throw failureOf(500, data);
      yield parsed(data) as Event;
    }
    throw new ApiFailure(0, 'The connection ended before the result came');
  }

  /** Ends the session when the page goes: nothing waits for the answer. */
  leave(): void {
    if (this.#token === null) return;
    const headers = { authorization: `Bearer ${this.#token}` };
    void fetch('api/logout', { method: 'POST', headers, keepalive: true }).catch(() => undefined);
    this.#token = null;
  }

  async #send(
    method: Method,
    path: string,
    { body, query = {}, signal }: Request,
    accept: string,
  ): Promise<Response> {
    const fields = Object.entries(query).flatMap(([name, value]) =>
      value === null || value === '' ? [] : [[name, value]],
    );
    const search = new URLSearchParams(fields).toString();
    const token = this.#token;
    const response = await fetch(`api/${path}${search === '' ? '' : `?${search}`}`, {
      method,
      headers: {
        accept,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
      credentials: 'omit',
      redirect: 'error',
      cache: 'no-store',
    }).catch((error: unknown) => {
      if (signal?.aborted === true) throw error;
      throw new ApiFailure(0, 'The server cannot be reached');
    });
    const date = Date.parse(response.headers.get('date') ?? '');
    // To the second only: a smaller difference is none.
    if (Math.abs(date - Date.now()) > 2_000) this.#ahead = date - Date.now();
    if (response.ok) return response;
    const failure = failureOf(response.status, await textOf(response));
    if (response.status === 401 && token !== null && token === this.#token) {
      this.#token = null;
      this.onLoggedOut(failure.message);
    }
    throw failure;
  }
}

/** A path of the API: what stands in it is encoded. */
export function pathOf(strings: TemplateStringsArray, ...parts: readonly string[]): string {
  return strings.map((text, index) => text + encodeURIComponent(parts[index] ?? '')).join('');
}

/** Whether it was ended by us. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** What to say of something that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof ApiFailure ? error.message : `The page has a bug: ${String(error)}`;
}

function isEvents(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') === true;
}

async function textOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiFailure(0, 'The connection ended before the answer was whole');
  }
}

/** An answer of something between us and the server is none of the API's. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiFailure(0, 'The answer is not one of the API');
  }
}

function failureOf(status: number, text: string): ApiFailure {
  try {
    const { code, message } = JSON.parse(text) as { code: number; message: string };
    return new ApiFailure(code, message);
  } catch {
    return new ApiFailure(status, `The server answered with status ${status}`);
  }
}

async function* chunksOf({ body }: Response): AsyncGenerator<Uint8Array, void, void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiFailure(0, 'The connection ended before the result came');
  } finally {
    // Whoever reads no further ends the operation.
    void reader.cancel().catch(() => undefined);
  }
}
