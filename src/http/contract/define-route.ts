import * as z from 'zod/mini';
import type { Answer, Method, Route } from './route.ts';

type Schema = z.ZodMiniType;

const NOTHING = z.object({});
type Nothing = typeof NOTHING;

interface Definition<P extends Schema, Q extends Schema, B extends Schema, A extends Answer> {
  readonly id: string;
  /** `GET /api/captures/{capture}`. */
  readonly at: `${Method} /${string}`;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly isOpen?: boolean;
  /** Absent: GET reads, everything else writes. */
  readonly isRead?: boolean;
  readonly isHeavy?: boolean;
  readonly isReplay?: boolean;
  /** Absent: where the answer is `live`. */
  readonly goesOn?: boolean | { readonly with: keyof z.output<Q> & string };
  readonly isSlow?: boolean;
  readonly asksOthers?: boolean;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B | 'bytes';
  readonly answer: A;
}

/** A route with what its definition leaves out. */
export function defineRoute<
  A extends Answer,
  P extends Schema = Nothing,
  Q extends Schema = Nothing,
  B extends Schema = Nothing,
>(definition: Definition<P, Q, B, A>): Route<P, Q, B, A> {
  const [method, path] = definition.at.split(' ') as [Method, string];
  const { id, tag, summary, answer } = definition;
  return {
    id,
    method,
    path,
    tag,
    summary,
    description: definition.description ?? null,
    isOpen: definition.isOpen ?? false,
    isRead: definition.isRead ?? method === 'GET',
    isHeavy: definition.isHeavy ?? false,
    isReplay: definition.isReplay ?? false,
    goesOn: definition.goesOn ?? answer.is === 'live',
    isSlow: definition.isSlow ?? false,
    asksOthers: definition.asksOthers ?? false,
    params: definition.params ?? (NOTHING as unknown as P),
    query: definition.query ?? (NOTHING as unknown as Q),
    body: definition.body ?? null,
    answer,
  };
}

/** Of what has none: null on the wire. */
export const NO_RESULT = z.codec(z.nullish(z.null()), z.void(), {
  decode: () => undefined,
  encode: () => null,
});
