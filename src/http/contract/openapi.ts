import * as z from 'zod/mini';
import { API_CODES } from '../../core/errors.ts';
import type { Answer, Route } from './route.ts';
import { FIELDS, PARAMETERS } from './parameter-texts.ts';
import { DOCUMENTATION } from './wire.ts';

type Json = Readonly<Record<string, unknown>>;

/** OpenAPI 3.1 of the routes: the very schemas that requests are validated by and answers are written by. */
export function openApi(routes: readonly Route[], version: string): Json {
  const schemas = new Schemas();
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operation(route, schemas);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'captures',
      version,
      summary: 'Record what a database was really asked to do.',
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'This server' }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'The `secret` that `POST /api/tokens` answers, or the `token` of `POST /api/login`.',
        },
      },
      responses: Object.fromEntries(
        Object.entries(FAILURES).map(([name, description]) => [
          name,
          { description, content: { 'application/json': { schema: ref('Failure') } } },
        ]),
      ),
      schemas: { Failure: FAILURE, ...schemas.named },
    },
  };
}

const DESCRIPTION = [
  'Times are ISO-8601 UTC. In requests `2018-05-19 22:06:53` is understood too; without an offset it is UTC.',
  'Lengths of time are seconds where nothing else is said.',
  'A path parameter is an id or a name, percent-encoded: `shop%2Ffriday`.',
  'Fields that are not listed are ignored.',
].join('\n');

const FAILURES = {
  BadRequest: 'What is asked for is not valid; the message says why.',
  Unauthenticated: 'Nobody is logged in, or the session or token has expired.',
  Forbidden: 'The user may see it, but not do this; the message says who may.',
  NotFound: 'It is not there, or the user may not see it.',
  Conflict: 'Its state does not allow this; the message says why.',
  TooMany: 'Too many requests. `Retry-After` says after how many seconds to try again.',
  Failed: 'Every other failure; the message says what to do.',
};

const FAILURE = {
  type: 'object',
  required: ['code', 'message'],
  properties: {
    code: {
      type: 'integer',
      description: 'The status, or that of the failure of an operation that had begun.',
      examples: [API_CODES.not_found],
    },
    message: { type: 'string', examples: ['Capture not found'] },
  },
};

function operation(route: Route, schemas: Schemas): Json {
  const { id, tag, summary, description, isOpen, answer } = route;
  const body = bodyOf(route, schemas);
  const notes = [
    description,
    placeOf(route),
    answer.is === 'rows'
      ? 'With `Accept: application/x-ndjson` an object a line, as they are read.'
      : null,
    answer.is === 'progress'
      ? 'With `Accept: text/event-stream` what happens meanwhile as events without a name, and the result as the last one, `event: result`; or `event: error`.'
      : null,
  ].filter((note) => note !== null);
  const refused = [
    ['400', 'BadRequest'],
    ...(isOpen ? [] : [['401', 'Unauthenticated']]),
    ...(isOpen
      ? []
      : [
          ['403', 'Forbidden'],
          ['404', 'NotFound'],
        ]),
    ...(route.method === 'GET' ? [] : [['409', 'Conflict']]),
    ['429', 'TooMany'],
    ['default', 'Failed'],
  ];
  return {
    operationId: id,
    tags: [tag],
    summary: `${summary.charAt(0).toUpperCase()}${summary.slice(1)}`,
    ...(notes.length === 0 ? {} : { description: notes.join('\n\n') }),
    ...(isOpen ? { security: [] } : {}),
    parameters: [
      ...fields(route.params, schemas).map((field) => ({
        ...field,
        in: 'path',
        required: true,
      })),
      ...fields(route.query, schemas).map((field) => ({ ...field, in: 'query' })),
    ],
    ...(body === null ? {} : { requestBody: body }),
    responses: {
      '200': answerOf(answer, schemas),
      ...Object.fromEntries(
        refused.map(([status, name]) => [status, { $ref: `#/components/responses/${name ?? ''}` }]),
      ),
    },
  };
}

/** Where it runs; null for what takes no place from others. */
function placeOf({ isHeavy, isReplay }: Route): string | null {
  if (isReplay) {
    return 'Runs in a process of its own: one at a time of a user, two in all; another one is refused (429, 503).';
  }
  return isHeavy ? 'Runs in a process of its own; where many are asked for, they wait.' : null;
}

function bodyOf({ body }: Route, schemas: Schemas): Json | null {
  if (body === null) return null;
  if (body === 'bytes') {
    return { required: true, content: { 'application/octet-stream': {} } };
  }
  const schema = explained(schemas.of(body));
  const isNeeded = !z.safeDecode(body, {}).success;
  return { required: isNeeded, content: { 'application/json': { schema } } };
}

/** The schema with a text for each field, also of objects in it, that has none of its own. */
function explained(schema: Json): Json {
  const { properties } = schema as { properties?: Record<string, Json> };
  if (properties === undefined) return schema;
  const fields = Object.entries(properties).map(([name, field]) => {
    const { anyOf } = field as { anyOf?: readonly Json[] };
    const inner = anyOf === undefined ? field : { ...field, anyOf: anyOf.map(explained) };
    return [name, { description: FIELDS[name], ...explained(inner) }] as const;
  });
  return { ...schema, properties: Object.fromEntries(fields) };
}

function answerOf(answer: Answer, schemas: Schemas): Json {
  switch (answer.is) {
    case 'json':
      return done({ 'application/json': { schema: schemas.of(answer.form) } });
    case 'nothing':
      return { description: 'Done' };
    case 'rows': {
      const row = schemas.of(answer.row);
      return done({
        'application/json': { schema: { type: 'array', items: row } },
        'application/x-ndjson': { schema: row },
      });
    }
    case 'progress': {
      const events = { 'text/event-stream': { schema: schemas.of(answer.event) } };
      if (answer.isSilent) return done(events);
      return done({ 'application/json': { schema: schemas.of(answer.result) }, ...events });
    }
    case 'live':
      return done({ 'text/event-stream': { schema: schemas.of(answer.event) } });
    case 'bytes':
      return done({ [answer.type]: {} });
  }
}

function done(content: Json): Json {
  return { description: 'Done', content };
}

/** The fields of an object as parameters. */
function fields(schema: z.ZodMiniType, schemas: Schemas): Json[] {
  const { properties = {}, required = [] } = schemas.of(schema) as {
    properties?: Record<string, Record<string, unknown>>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description = PARAMETERS[name], ...rest }]) => ({
    name,
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: rest,
  }));
}

/** JSON schemas of what is on the wire; those with an id once, among the components. */
class Schemas {
  readonly named: Record<string, unknown> = {};

  of(schema: z.ZodMiniType): Json {
    const made = z.toJSONSchema(schema, {
      io: 'input',
      target: 'draft-2020-12',
      unrepresentable: 'any',
      metadata: DOCUMENTATION,
    });
    const whole = moved(made) as Record<string, unknown>;
    for (const [id, definition] of Object.entries((whole['$defs'] ?? {}) as Record<string, Json>)) {
      this.named[id] = without(definition, ['id', '$id']);
    }
    const schemaOnly = without(whole, ['$schema', '$defs', 'id', '$id']);
    const { id } = whole;
    if (typeof id !== 'string') return schemaOnly;
    this.named[id] = schemaOnly;
    return ref(id);
  }
}

function without(schema: Json, keys: readonly string[]): Json {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
}

function moved(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}
