import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from './refusal.ts';

/** One request, whatever it came over, and the way to answer it. */
export interface Exchange {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of the client: that of the connection, or the one that a declared proxy names. */
  readonly address: string;
  /** The body, in pieces as they come. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborted when the server is about to end: streams that may go on for long are ended then. */
  readonly ending: AbortSignal;
  /** Why it is refused whatever it asks for: the server ends, has no room. null for what is looked at. */
  readonly refusal: Refusal | null;
  readonly answer: AnswerSink;
}

/** Where an answer goes. `start` once, then `write` as often as there is something, then one of the other two. */
export interface AnswerSink {
  /** Aborted when the client has gone, or wants no more. */
  readonly gone: AbortSignal;
  /** What `start` was called with; null before. */
  readonly status: number | null;
  /** Whether `start` was called: from then on no other status can be answered. */
  readonly isStarted: boolean;
  start(status: number, headers: Readonly<Record<string, string>>): void;
  /** Resolves when there is room for more; at once for a client that has gone. */
  write(chunk: string | Uint8Array): Promise<void>;
  end(trailers?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends it so that the client sees that it is not whole. */
  breakOff(): void;
}
