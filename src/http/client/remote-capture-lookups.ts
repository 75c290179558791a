import type { Actor } from '../../core/access.ts';
import type { Api } from '../../core/api.ts';
import type { CaptureListRequest } from '../../core/captures/capture-list.ts';
import { getCapture, listCaptures } from '../contract/capture-lookup-routes.ts';
import type { InputOf } from '../contract/route.ts';
import type { Connection } from './connection.ts';

type Captures = Api['captures'];

/** The part of `CaptureService` that only looks: what the commonest commands need. */
export class RemoteCaptureLookups implements Pick<Captures, 'list' | 'walk' | 'get' | 'details'> {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  list: Captures['list'] = (_actor, request) =>
    this.#server.list(listCaptures, { query: queryOf(request) });

  walk(_actor: Actor, request: CaptureListRequest): ReturnType<Captures['walk']> {
    return this.#server.rows(listCaptures, { query: queryOf({ ...request, limit: null }) });
  }

  get: Captures['get'] = (_actor, ref, operation) =>
    this.#server.value(getCapture, {
      ...inPath(ref),
      query: operation === undefined ? {} : { for: operation },
    });

  details: Captures['details'] = async (_actor, ref) => {
    const { describeCapture } = await import('../contract/capture-details-route.ts');
    return this.#server.value(describeCapture, inPath(ref));
  };
}

/** Which capture a request is about. */
export function inPath(ref: string) {
  return { params: { capture: ref } };
}

function queryOf(request: CaptureListRequest): InputOf<typeof listCaptures>['query'] {
  const { environment, owner, statuses, type, name, since, until, order, descending } = request;
  const { limit } = request;
  return {
    order,
    ascending: !descending,
    ...(environment === null ? {} : { env: environment }),
    ...(owner === null ? {} : { owner }),
    ...(statuses === null ? {} : { status: [...statuses] }),
    ...(type === null ? {} : { type }),
    ...(name === null ? {} : { name }),
    ...(since === null ? {} : { since }),
    ...(until === null ? {} : { until }),
    ...(limit === null ? {} : { limit }),
  };
}
