import type * as z from 'zod/mini';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

type Schema = z.ZodMiniType;

/** What a route answers. Each kind is also a way in which the client reads it. */
export type Answer =
  /** One JSON value. */
  | { readonly is: 'json'; readonly form: Schema }
  /** 200 without a body, as the reference has it. */
  | { readonly is: 'nothing' }
  /** A JSON array; with `Accept: application/x-ndjson` an object a line, as they are read. */
  | { readonly is: 'rows'; readonly row: Schema }
  /**
   * Takes a while. The result as JSON (without a body where `isSilent`); with `Accept: text/event-stream`
   * server-sent events: each `event`'s data is one of `event`, the last is `result` or `error`.
   */
  | {
      readonly is: 'progress';
      readonly event: Schema;
      readonly result: Schema;
      readonly isSilent: boolean;
    }
  /** Server-sent events until it ends or the client goes; there is no other form. */
  | { readonly is: 'live'; readonly event: Schema }
  /**
   * Bytes as they are read. Where they end early the connection is broken off; to a client that takes trailers
   * (`TE: trailers`) the error, or the result, is one: `Captures-Error`, `Captures-Result`.
   */
  | { readonly is: 'bytes'; readonly type: string; readonly result: Schema };

/** One operation of the API. The table of them validates requests, makes OpenAPI, and is what the client calls by. */
export interface Route<
  Params extends Schema = Schema,
  Query extends Schema = Schema,
  Body extends Schema = Schema,
  Answered extends Answer = Answer,
> {
  /** Its operationId, unique. */
  readonly id: string;
  readonly method: Method;
  /** `/api/captures/{capture}/stop`; the names in it are those of `params`. */
  readonly path: string;
  readonly tag: string;
  /** One line, as a command's summary. */
  readonly summary: string;
  /** More than that; null for nothing. */
  readonly description: string | null;
  /** Whether it can be asked without being logged in. */
  readonly isOpen: boolean;
  /** Whether a read-only token may ask it: it changes nothing, whatever its method. */
  readonly isRead: boolean;
  /** Whether it reads so much that it runs in a process of its own. */
  readonly isHeavy: boolean;
  /** Whether it plays a record, which takes as long as that did: these have places of their own. */
  readonly isReplay: boolean;
  /**
   * Whether it goes on until what it is about is over: it mostly waits for what is to come, and counts as a stream.
   * `{ with }`: where this flag of the query is set.
   */
  readonly goesOn: boolean | { readonly with: string };
  /** Whether it waits for other servers, so that its answer may take minutes. */
  readonly isSlow: boolean;
  /** Whether it has this process ask a database or CloudWatch: each client has so many of them running. */
  readonly asksOthers: boolean;
  readonly params: Params;
  readonly query: Query;
  /** null for none; `bytes` for one that is no JSON and of any length. */
  readonly body: Body | 'bytes' | null;
  readonly answer: Answered;
}

/** What a request says, decoded. */
export interface Input<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

/** What a route's handler gets, and what a client gives. */
export type InputOf<R> =
  R extends Route<infer P, infer Q, infer B> ? Input<z.output<P>, z.output<Q>, z.output<B>> : never;

/** What its result is, by the kind of its answer. */
export type ResultOf<A extends Answer> = A extends { is: 'json'; form: infer F extends Schema }
  ? z.output<F>
  : A extends { is: 'progress' | 'bytes'; result: infer F extends Schema }
    ? z.output<F>
    : undefined;

export type EventOf<A extends Answer> = A extends { event: infer F extends Schema }
  ? z.output<F>
  : never;

export type RowOf<A extends Answer> = A extends { is: 'rows'; row: infer F extends Schema }
  ? z.output<F>
  : never;
