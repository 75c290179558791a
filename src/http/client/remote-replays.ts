import type { Api } from '../../core/api.ts';
import { AppError } from '../../core/errors.ts';
import type { Connection } from './connection.ts';

type Replays = Api['replays'];

/** `ReplayService` on a server. */
export class RemoteReplays implements Replays {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  plan: Replays['plan'] = () => {
    throw this.#refusal();
  };

  run: Replays['run'] = () => {
    throw this.#refusal();
  };

  get: Replays['get'] = () => Promise.reject(this.#refusal());

  #refusal(): AppError {
    return new AppError('invalid', 'This server cannot replay', {
      hint: `It has version ${this.#server.serverVersion ?? 'unknown'}.`,
    });
  }
}
