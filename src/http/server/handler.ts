import type { Api } from '../../core/api.ts';
import type { Progress } from '../../core/progress.ts';
import type { AuthenticatedActor } from '../../core/users/user-service.ts';
import type { Answer, EventOf, InputOf, ResultOf, Route, RowOf } from '../contract/route.ts';

/** Of a request that anybody may make. */
export interface OpenCall {
  /** The use cases; what they write down says where the request came from. */
  readonly api: Api;
  readonly address: string;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** The body of a route whose body is bytes. */
  readonly upload: AsyncIterable<Uint8Array>;
}

/** Of a request of somebody who is logged in. */
export interface Call extends OpenCall {
  readonly actor: AuthenticatedActor;
  /** What the actor proved who they are with. */
  readonly secret: string;
}

/** What a handler returns, by the kind of answer. */
export type Answered<A extends Answer> = A extends { is: 'json' }
  ? Promise<ResultOf<A>>
  : A extends { is: 'nothing' }
    ? Promise<unknown>
    : A extends { is: 'rows' }
      ? AsyncIterable<RowOf<A>> | Promise<readonly RowOf<A>[]>
      : A extends { is: 'progress' }
        ? Progress<EventOf<A>, ResultOf<A>>
        : A extends { is: 'live' }
          ? AsyncIterable<EventOf<A>>
          : Promise<AnsweredBytes<ResultOf<A>>>;

export interface AnsweredBytes<Result> {
  /** Its media type. */
  readonly type: string;
  readonly chunks: Progress<Uint8Array, Result>;
  /** Whether it may take any time until there is something: then the head does not wait for it. */
  readonly isFollowed?: boolean;
}

/** A route and what it does; `run` gets a `Call` unless the route is open. */
export interface Handler {
  readonly route: Route;
  readonly run: (call: Call, input: unknown) => unknown;
}

/** Joins a route to the use case that it is: nothing is decided here. */
export function handle<R extends Route>(
  route: R,
  run: (call: Call, input: InputOf<R>) => Answered<R['answer']>,
): Handler {
  return { route, run: run as Handler['run'] };
}

/** The same for a route that is open. */
export function handleOpen<R extends Route>(
  route: R,
  run: (call: OpenCall, input: InputOf<R>) => Answered<R['answer']>,
): Handler {
  return { route, run: run as Handler['run'] };
}
