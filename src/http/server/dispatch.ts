import FindMyWay, { type HTTPMethod } from 'find-my-way';
import * as z from 'zod/mini';
import type { Api } from '../../core/api.ts';
import { readOnlyRefusal } from '../../core/access.ts';
import { AppError } from '../../core/errors.ts';
import { networkOf } from '../../core/users/address-gate.ts';
import type { AuthenticatedActor } from '../../core/users/user-service.ts';
import { ATTENTION_HEADER, CLIENT_HEADER } from '../contract/failure-form.ts';
import { FRAMES_TYPE } from '../contract/frames.ts';
import type { Input, Route } from '../contract/route.ts';
import { isBug, writeAnswer, writeFailure, type Wishes } from './answer-writer.ts';
import type { Exchange } from './exchange.ts';
import type { Call, Handler } from './handler.ts';
import { inTurn } from './client-waits.ts';
import { whyInvalid } from './invalid-input.ts';
import { Refusal } from './refusal.ts';
import type { HeavyQueue } from './heavy-queue.ts';
import type { HeavyRunner } from './heavy-runner.ts';
import type { RateLimit, ShareLimit, StrangerLimit } from './rate-limit.ts';
import type { WriteGate } from './write-gate.ts';
import { checkJsonHeaders, piecesOf, readJsonBody, uploaded } from './request-body.ts';

/** Less than the server has for its end: what it says then is to be taken, too. */
const SOON_MS = 4_000;

/** What requests are answered with. */
export interface Dispatching {
  readonly handlers: readonly Handler[];
  /** The use cases for a request from an address. */
  readonly apiFor: (address: string) => Api;
  /** Told of what is a bug. */
  readonly onBug: (error: unknown, exchange: Exchange) => void;
  /** So many milliseconds a server that ends waits for an answer that is no stream. Absent: four seconds. */
  readonly soonMs?: number;
  /** Told of every request when it is over. */
  readonly onAnswered?: (answered: Answered) => void;
  /** How much a client may ask for. Absent: without a limit. */
  readonly limits?: ClientLimits;
  /** Passed before a request that may change something. Absent: a write that waits stops the process. */
  readonly writes?: Pick<WriteGate, 'pass'>;
  /** Where heavy operations run. Absent: in this process. */
  readonly heavy?: Pick<HeavyRunner, 'run'>;
  /** Where replays run. Absent: where heavy operations do. */
  readonly replays?: Pick<HeavyRunner, 'run'>;
  /** Who may have a database asked. Absent: everybody at once. */
  readonly looks?: Pick<HeavyQueue, 'turn'>;
  /** Whose other requests are worked at, but for those that wait for something. Absent: all at once. */
  readonly turns?: Pick<HeavyQueue, 'turn'>;
}

/** Each counts users by who they are, and who is not logged in by network. */
interface ClientLimits {
  readonly rate: RateLimit;
  /** Requests without a credential that is right, by network. Absent: without a limit. */
  readonly strangers?: StrangerLimit;
  /** Open event streams, and requests that wait for something to happen. */
  readonly streams: ShareLimit;
}

/** A request that is over. */
export interface Answered {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  /** Of the operation; null where there is none. */
  readonly routeId: string | null;
  readonly address: string;
  /** Who asked; null for one that nobody proved to be. */
  readonly actor: AuthenticatedActor | null;
  /** null where the client went before there was one. */
  readonly status: number | null;
  /** From its head to the end of its answer, in milliseconds. */
  readonly took: number;
}

/** What becomes known of a request while it is answered. */
interface Request {
  readonly exchange: Exchange;
  readonly wishes: Wishes;
  route: Route | null;
  actor: AuthenticatedActor | null;
  /** Called when it is over: each gives something back. */
  readonly held: (() => void)[];
}

/** Answers requests. Never rejects. */
export function createDispatch(parts: Dispatching): (exchange: Exchange) => Promise<void> {
  const router = routerOf(parts.handlers);
  return async (exchange) => {
    const began = performance.now();
    const wishes = wishesOf(exchange);
    const request: Request = { exchange, wishes, route: null, actor: null, held: [] };
    const sink = exchange.answer;
    try {
      await answer(parts, router, request);
    } catch (error) {
      if (isBug(error) && !sink.gone.aborted) parts.onBug(error, exchange);
      if (sink.isStarted) sink.breakOff();
      // Who has gone was told nothing.
      else if (!sink.gone.aborted) await writeFailure(sink, error, wishes.isOwnClient);
    }
    for (const giveBack of request.held) giveBack();
    parts.onAnswered?.({
      method: exchange.method,
      path: pathOf(exchange.url),
      routeId: request.route?.id ?? null,
      address: exchange.address,
      actor: request.actor,
      status: sink.status,
      took: performance.now() - began,
    });
  };
}

async function answer(parts: Dispatching, router: Router, request: Request): Promise<void> {
  const { exchange, wishes } = request;
  const { address, answer: sink, headers, ending } = exchange;
  if (exchange.refusal !== null) throw exchange.refusal;
  const api = parts.apiFor(address);
  const { handler, params, query } = await foundBy(router, request, parts, api);
  const { route } = handler;
  request.route = route;
  if (isJsonBody(route)) checkJsonHeaders(headers);
  let who = route.isOpen ? null : await whoPasses(parts, api, exchange);
  request.actor = who?.actor ?? null;
  // The rules refuse it, too; this one needs nobody to have thought of it.
  if (who?.actor.scope.isReadOnly === true && !route.isRead) throw readOnlyRefusal();
  const client = who === null ? `network ${networkOf(address)}` : `user ${who.actor.userId}`;
  const { limits } = parts;
  const heavy = (route.isReplay ? parts.replays : undefined) ?? parts.heavy;
  limits?.rate.take(client);
  if (route.isOpen && route.method === 'GET') limits?.strangers?.take(networkOf(address));
  const queried = decoded(route.query, query, 'query');
  const goesOn = isGoingOn(route, queried);
  const isStream = wishes.wantsEvents || goesOn;
  // Who waits for a capture without events asks the store as often as who is told of them.
  const waits = !route.isHeavy || route.isReplay;
  const isHeld = isStream || (route.answer.is === 'progress' && waits);
  if (isHeld && limits !== undefined) request.held.push(limits.streams.open(client));
  if (route.isHeavy && heavy !== undefined) {
    const body = isJsonBody(route) ? await piecesOf(exchange.body) : uploaded(exchange.body);
    await heavy.run({ ...exchange, body: piecewise(body) }, { client, goesOn });
    return;
  }
  const stopped = new AbortController();
  const signal = isHeld ? AbortSignal.any([sink.gone, stopped.signal]) : sink.gone;
  const open = { api, address, signal, upload: uploaded(exchange.body) };
  const asked = {
    params: decoded(route.params, params, 'path'),
    query: queried,
  };
  const json = isJsonBody(route) ? await readJsonBody(exchange.body) : {};
  if (!route.isRead) await parts.writes?.pass(sink.gone);
  // That may have taken long, and who asks logged out meanwhile.
  if (who !== null && (isJsonBody(route) || !route.isRead)) who = await whoAsks(api, exchange);
  const body = isJsonBody(route) ? decoded(route.body as z.ZodMiniType, json, 'body') : {};
  const input: Input<unknown, unknown, unknown> = { ...asked, body };
  const queue = route.asksOthers ? parts.looks : isHeld || route.isOpen ? undefined : parts.turns;
  const turn = await queue?.turn({ client, goesOn: false }, signal);
  if (turn !== undefined) request.held.push(() => turn.end());
  const isAtOnce = route.method === 'GET' && ['json', 'rows'].includes(route.answer.is);
  const more =
    wishes.isOwnClient && isAtOnce && who !== null ? await attentionOf(api, who.actor) : {};
  const returned = handler.run({ ...open, ...who } as Call, input);
  const paced = turn === undefined ? sink : inTurn(sink, turn);
  await writeAnswer(route.answer, returned, paced, {
    ...wishes,
    headers: more,
    ending,
    soonMs: parts.soonMs ?? SOON_MS,
    stop: (reason) => stopped.abort(reason),
    isAwaited: route.isReplay,
    onLateFailure: (error) => {
      if (isBug(error) && !sink.gone.aborted) parts.onBug(error, exchange);
    },
  });
}

function isGoingOn({ goesOn }: Route, query: unknown): boolean {
  if (typeof goesOn === 'boolean') return goesOn;
  return (query as Readonly<Record<string, unknown>>)[goesOn.with] === true;
}

/** So that a client need not ask at the end of each command whether there is something to warn of. */
async function attentionOf(
  api: Api,
  actor: AuthenticatedActor,
): Promise<Readonly<Record<string, string>>> {
  const { captures, hasServers } = await api.daemon.unattended(actor);
  return { [ATTENTION_HEADER]: captures === 0 && !hasServers ? '0' : '1' };
}

function isJsonBody({ body }: Route): boolean {
  return body !== null && body !== 'bytes';
}

async function* piecewise(
  body: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  yield* body;
}

type Who = Pick<Call, 'actor' | 'secret'>;

/** @throws AppError `unauthenticated`; Refusal 429 where too many were that from there. */
async function whoPasses({ limits }: Dispatching, api: Api, exchange: Exchange): Promise<Who> {
  const ask = (): Promise<Who> => whoAsks(api, exchange);
  const { strangers } = limits ?? {};
  if (strangers === undefined) return ask();
  return strangers.pass(networkOf(exchange.address), secretOf(exchange), ask);
}

/** @throws AppError `unauthenticated`. */
async function whoAsks(api: Api, exchange: Exchange): Promise<Who> {
  const secret = secretOf(exchange);
  if (secret === null) throw new AppError('unauthenticated', 'You are not logged in');
  return { actor: await api.users.authenticate(secret), secret };
}

function secretOf({ headers }: Exchange): string | null {
  return /^Bearer +([!-~]+) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

function decoded(schema: z.ZodMiniType, value: unknown, where: string): unknown {
  const result = z.safeDecode(schema, value);
  if (result.success) return result.data;
  throw new Refusal(400, whyInvalid(result.error.issues[0], value, where));
}

function wishesOf({ headers }: Exchange): Wishes {
  const accept = headers.accept ?? '';
  return {
    wantsEvents: accept.includes('text/event-stream'),
    wantsLines: accept.includes('application/x-ndjson'),
    wantsFrames: accept.includes(FRAMES_TYPE),
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

interface Found {
  readonly handler: Handler;
  readonly params: Record<string, string | undefined>;
  readonly query: object;
}

/** @throws Refusal as `found`; AppError `unauthenticated` first: who is not logged in learns nothing of paths. */
async function foundBy(
  router: Router,
  request: Request,
  parts: Dispatching,
  api: Api,
): Promise<Found> {
  const { exchange } = request;
  try {
    return found(router, exchange);
  } catch (refusal) {
    if (/^\/api\//.test(withoutOrigin(exchange.url))) {
      request.actor = (await whoPasses(parts, api, exchange)).actor;
      parts.limits?.rate.take(`user ${request.actor.userId}`);
    }
    throw refusal;
  }
}

/** @throws Refusal 400, 404, 405. */
function found(router: Router, { method, url }: Exchange): Found {
  const target = withoutOrigin(url);
  const path = pathOf(target);
  const search = target.slice(path.length + 1);
  if (decodedText(path) === null || decodedText(search) === null) {
    throw new Refusal(400, 'The URL is not percent-encoded UTF-8');
  }
  const match = router.find(method === 'HEAD' ? 'GET' : (method as HTTPMethod), path);
  if (match !== null) {
    return { handler: match.store as Handler, params: match.params, query: queryOf(search) };
  }
  const allowed = (['GET', 'POST', 'PUT', 'DELETE'] as const).filter(
    (other) => router.find(other, path) !== null,
  );
  if (allowed.length === 0) throw new Refusal(404, `There is no ${path}`);
  const allow = allowed.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).join(', ');
  throw new Refusal(405, `${path} has no ${method}`, { allow });
}

/** A proxy may be sent `http://host/path`, and passes it on so. */
function withoutOrigin(url: string): string {
  const path = url.replace(/^https?:\/\/[^/?#]*/i, '');
  return path.startsWith('/') || path === url ? path : `/${path}`;
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

/** null for what is not percent-encoded UTF-8. */
function decodedText(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** What is there several times is a list: for most fields of a query that is not valid. */
function queryOf(search: string): object {
  const fields = new Map<string, string | string[]>();
  for (const [name, value] of new URLSearchParams(search)) {
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(fields);
}
