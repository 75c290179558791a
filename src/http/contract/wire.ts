import * as z from 'zod/mini';
import { readInstant } from './instants.ts';

/**
 * The forms in which the core's plain data goes over HTTP. A schema has two sides: what is on the wire (JSON,
 * times as ISO-8601) and what the use cases take and return (times as milliseconds). The server decodes requests
 * and encodes answers with it; the client does the opposite; OpenAPI is made from the side on the wire.
 */

/** What documentation says of a schema. */
interface Documentation {
  /** Its name among OpenAPI's components; absent: it is written out wherever it is used. */
  readonly id?: string;
  readonly description?: string;
  readonly format?: string;
  readonly examples?: readonly unknown[];
}

/** Read when OpenAPI is made. */
export const DOCUMENTATION = z.registry<Documentation>();

/** The schema, with what documentation says of it. */
export function documented<Schema extends z.ZodMiniType>(
  schema: Schema,
  documentation: Documentation,
): Schema {
  DOCUMENTATION.add(schema, documentation);
  return schema;
}

/** A schema with the use cases' `Data` on its inner side. */
export type Form<Data> = z.ZodMiniType<Data>;

/** A time: ISO-8601 UTC with milliseconds on the wire, milliseconds since the epoch inside. */
export const instant = z.codec(
  documented(z.string(), {
    id: 'Instant',
    format: 'date-time',
    examples: ['2018-05-19T22:06:53.000Z'],
    description:
      'ISO-8601 UTC. In requests also `2018-05-19 22:06:53`; without an offset it is UTC.',
  }),
  z.number(),
  {
    decode: (text, context) => {
      const at = readInstant(text);
      if (at !== null) return at;
      context.issues.push({ code: 'custom', message: 'must be a date', input: text });
      return z.NEVER;
    },
    encode: (at) => isoOf(at),
  },
);

/** What no Date can be (a store may have it) is written as the last that one can be: the rest of an answer is right. */
const LAST_DATE_MS = 8.64e15;

function isoOf(at: number): string {
  return new Date(Math.max(-LAST_DATE_MS, Math.min(at, LAST_DATE_MS))).toISOString();
}

/** A length of time: seconds on the wire, as the reference has them; milliseconds inside. */
export const seconds = z.codec(z.number(), z.number(), {
  decode: (length) => Math.round(length * 1_000),
  encode: (ms) => ms / 1_000,
});

/** Whole milliseconds on both sides. */
export const milliseconds = z.number();

export function orNull<Schema extends z.ZodMiniType>(schema: Schema): z.ZodMiniNullable<Schema> {
  return z.nullable(schema);
}

/**
 * Plain JSON without times in it that would have to be translated: on the wire as it is inside.
 * @param description what it is, for the documentation.
 * @param has fields without which it is something else, which is not to be taken for it.
 */
export function plain<Data>(description: string, has: readonly (keyof Data)[] = []): Form<Data> {
  const isIt = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && has.every((name) => name in value);
  return documented(has.length === 0 ? z.custom<Data>() : z.custom<Data>(isIt), { description });
}

/** A field of a query that is `true` or `false`. */
export const flag = z.codec(z.enum(['true', 'false']), z.boolean(), {
  decode: (text) => text === 'true',
  encode: (value) => (value ? 'true' : 'false'),
});

/** A whole number in a query. */
export const wholeNumber = z.codec(
  z.string().check(z.regex(/^\d{1,15}$/, 'must be a whole number')),
  z.number(),
  {
    decode: Number,
    encode: String,
  },
);

/** A length of time in a query: seconds there, milliseconds inside. */
export const secondsInQuery = z.codec(
  z.string().check(z.regex(/^\d{1,15}(\.\d{1,3})?$/, 'must be a number of seconds')),
  z.number(),
  { decode: (text) => Math.round(Number(text) * 1_000), encode: (ms) => String(ms / 1_000) },
);

/** Several values in one field of a query, with commas between them. */
export function listOf<Value extends string>(values: readonly [Value, ...Value[]]) {
  return z.codec(z.string(), z.array(z.enum(values)), {
    decode: (text) => (text === '' ? [] : (text.split(',') as Value[])),
    encode: (list) => list.join(','),
  });
}

/** A field of a query that may be there several times: texts that may have commas in them. */
export const repeated = z.codec(z.union([z.string(), z.array(z.string())]), z.array(z.string()), {
  decode: (given) => (typeof given === 'string' ? [given] : given),
  encode: (list) => list,
});

/** The same data, which may be written to. */
type Written<Data> = Data extends readonly (infer Item)[]
  ? Written<Item>[]
  : Data extends object
    ? { -readonly [Key in keyof Data]: Written<Data[Key]> }
    : Data;
type Same<A, B> = [Written<A>] extends [Written<B>]
  ? [Written<B>] extends [Written<A>]
    ? true
    : false
  : false;

/**
 * The schema itself. The compiler refuses it unless what it decodes to is `Data`, no less and no more: a field
 * that is added to the core's type and forgotten here would else be missing for clients.
 */
export function formOf<Data>() {
  return <Schema extends z.ZodMiniType>(
    schema: Schema & (Same<z.output<Schema>, Data> extends true ? unknown : never),
  ): Form<Data> => schema as unknown as Form<Data>;
}
