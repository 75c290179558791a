import type { Api } from '../../core/api.ts';
import {
  beginWarmUp,
  endWarmUps,
  getWarmUpStatus,
  listOpenWarmUps,
  listWarmUps,
} from '../contract/warm-up-routes.ts';
import type { Connection } from './connection.ts';

type WarmUps = Api['warmUps'];

/** `WarmUpService` on a server. */
export class RemoteWarmUps implements WarmUps {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  list: WarmUps['list'] = (_actor, ref) =>
    this.#server.value(listWarmUps, { params: { environment: ref } });

  listOpen: WarmUps['listOpen'] = () => this.#server.list(listOpenWarmUps, {});

  status: WarmUps['status'] = (_actor, ref) =>
    this.#server.value(getWarmUpStatus, { params: { environment: ref } });

  begin: WarmUps['begin'] = (_actor, ref, { lengthMs, waits, approved }, signal) =>
    this.#server.progress(
      beginWarmUp,
      {
        params: { environment: ref },
        body: { duration: lengthMs, wait: waits, approved: [...approved] },
      },
      signal,
    );

  end: WarmUps['end'] = (_actor, ref, { waits }, signal) =>
    this.#server.progress(
      endWarmUps,
      { params: { environment: ref }, query: { wait: waits } },
      signal,
    );
}
