import FindMyWay, { type HTTPMethod } from 'find-my-way';
import * as z from 'zod/mini';
import type { Api } from '../../core/api.ts';
import { AppError } from '../../core/errors.ts';
import { CLIENT_HEADER } from '../contract/failure-form.ts';
import type { Input } from '../contract/route.ts';
import { isBug, writeAnswer, writeFailure, type Wishes } from './answer-writer.ts';
import type { Exchange } from './exchange.ts';
import type { Call, Handler } from './handler.ts';
import { Refusal } from './refusal.ts';
import { readJsonBody } from './request-body.ts';

/** What requests are answered with. */
export interface Dispatching {
  readonly handlers: readonly Handler[];
  /** The use cases for a request from an address. */
  readonly apiFor: (address: string) => Api;
  /** Told of what is a bug. */
  readonly onBug: (error: unknown, exchange: Exchange) => void;
}

/** Answers requests. Never rejects. */
export function createDispatch(parts: Dispatching): (exchange: Exchange) => Promise<void> {
  const router = routerOf(parts.handlers);
  return async (exchange) => {
    const wishes = wishesOf(exchange);
    try {
      await answer(parts, router, exchange, wishes);
    } catch (error) {
      if (isBug(error) && !exchange.answer.gone.aborted) parts.onBug(error, exchange);
      if (exchange.answer.isStarted) exchange.answer.breakOff();
      else await writeFailure(exchange.answer, error, wishes.isOwnClient);
    }
  };
}

async function answer(
  parts: Dispatching,
  router: Router,
  exchange: Exchange,
  wishes: Wishes,
): Promise<void> {
  const { handler, params, query } = found(router, exchange);
  const { route } = handler;
  const { address, answer: sink, body } = exchange;
  const api = parts.apiFor(address);
  const open = { api, address, signal: sink.gone, upload: body };
  const call = route.isOpen ? open : { ...open, ...(await whoAsks(api, exchange)) };
  const input: Input<unknown, unknown, unknown> = {
    params: decoded(route.params, params, 'path'),
    query: decoded(route.query, query, 'query'),
    body: await bodyOf(handler, exchange),
  };
  await writeAnswer(route.answer, handler.run(call as Call, input), sink, wishes);
}

async function bodyOf({ route }: Handler, { body, headers }: Exchange): Promise<unknown> {
  if (route.body === null || route.body === 'bytes') return {};
  return decoded(route.body, await readJsonBody(body, headers['content-length']), 'body');
}

/** @throws AppError `unauthenticated`. */
async function whoAsks(api: Api, { headers }: Exchange): Promise<Pick<Call, 'actor' | 'secret'>> {
  const [, secret] = /^Bearer +([!-~]+) *$/i.exec(headers.authorization ?? '') ?? [];
  if (secret === undefined) throw new AppError('unauthenticated', 'You are not logged in');
  return { actor: await api.users.authenticate(secret), secret };
}

function decoded(schema: z.ZodMiniType, value: unknown, where: string): unknown {
  const result = z.safeDecode(schema, value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.map(String).join('.') ?? '';
  const what = field === '' ? `The ${where}` : `"${field}" in the ${where}`;
  throw new Refusal(400, `${what} is not valid: ${issue?.message ?? 'see the documentation'}`);
}

function wishesOf({ headers }: Exchange): Wishes {
  const accept = headers.accept ?? '';
  return {
    wantsEvents: accept.includes('text/event-stream'),
    wantsLines: accept.includes('application/x-ndjson'),
    takesTrailers: /\btrailers\b/i.test(String(headers.te ?? '')),
    isOwnClient: headers[CLIENT_HEADER] !== undefined,
  };
}

type Router = ReturnType<typeof routerOf>;

function routerOf(handlers: readonly Handler[]) {
  const router = FindMyWay({ maxParamLength: 1_000, ignoreTrailingSlash: true });
  for (const handler of handlers) {
    const { method, path } = handler.route;
    router.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), () => undefined, handler);
  }
  return router;
}

/** @throws Refusal 404, 405. */
function found(
  router: Router,
  { method, url }: Exchange,
): { handler: Handler; params: Record<string, string | undefined>; query: object } {
  const [path = ''] = url.split('?', 1);
  const match = router.find(method as HTTPMethod, url);
  if (match !== null) {
    const query = Object.fromEntries(new URLSearchParams(url.slice(path.length)));
    return { handler: match.store as Handler, params: match.params, query };
  }
  const allowed = (['GET', 'POST', 'PUT', 'DELETE'] as const).filter(
    (other) => router.find(other, url) !== null,
  );
  if (allowed.length === 0) throw new Refusal(404, `There is no ${path}`);
  throw new Refusal(405, `${path} has no ${method}`, { allow: allowed.join(', ') });
}
