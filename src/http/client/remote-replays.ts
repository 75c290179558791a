import type { Api } from '../../core/api.ts';
import { getReplay, planReplay, runReplay } from '../contract/replay-routes.ts';
import type { Connection } from './connection.ts';

type Replays = Api['replays'];

/** `ReplayService` on a server: it ends there when it is ended here, or when the connection is lost. */
export class RemoteReplays implements Replays {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  plan: Replays['plan'] = (_actor, capture, request, signal) =>
    this.#server.progress(planReplay, { body: { capture, request } }, signal);

  run: Replays['run'] = (_actor, capture, request, signal) =>
    this.#server.progress(runReplay, { body: { capture, request } }, signal);

  get: Replays['get'] = (_actor, ref) =>
    this.#server.value(getReplay, { params: { capture: ref } });
}
