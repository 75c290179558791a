import type { Actor } from '../../core/access.ts';
import type { Api } from '../../core/api.ts';
import type { CaptureListRequest } from '../../core/captures/capture-rules.ts';
import { getCapture, listCaptures, stopCapture } from '../contract/capture-routes.ts';
import type { InputOf } from '../contract/route.ts';
import type { Connection } from './connection.ts';

type Captures = Api['captures'];

/** `CaptureService` on a server. Who asks is known there by the secret; the actors given here are not. */
export class RemoteCaptures implements Pick<Captures, 'list' | 'walk' | 'get' | 'stop'> {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  list: Captures['list'] = (_actor, request) =>
    this.#server.list(listCaptures, { query: queryOf(request) });

  walk(_actor: Actor, request: CaptureListRequest): ReturnType<Captures['walk']> {
    return this.#server.rows(listCaptures, { query: queryOf({ ...request, limit: null }) });
  }

  get: Captures['get'] = (_actor, ref) =>
    this.#server.value(getCapture, { params: { capture: ref } });

  stop: Captures['stop'] = (_actor, ref, { reason, waits }, signal) =>
    this.#server.progress(
      stopCapture,
      { params: { capture: ref }, query: { wait: waits, ...(reason === null ? {} : { reason }) } },
      signal,
    );
}

function queryOf(request: CaptureListRequest): InputOf<typeof listCaptures>['query'] {
  const { environment, owner, statuses, name, since, until, order, descending, limit } = request;
  return {
    order,
    ascending: !descending,
    ...(environment === null ? {} : { env: environment }),
    ...(owner === null ? {} : { owner }),
    ...(statuses === null ? {} : { status: [...statuses] }),
    ...(name === null ? {} : { name }),
    ...(since === null ? {} : { since }),
    ...(until === null ? {} : { until }),
    ...(limit === null ? {} : { limit }),
  };
}
