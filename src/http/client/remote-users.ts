import type { Api } from '../../core/api.ts';
import { whoAmI } from '../contract/user-routes.ts';
import type { Connection } from './connection.ts';

type Users = Api['users'];

/** `UserService` on a server. */
export class RemoteUsers implements Pick<Users, 'authenticate'> {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  /** Every request from here on is that of who has the secret. */
  authenticate: Users['authenticate'] = (secret) => {
    this.#server.secret = secret;
    return this.#server.value(whoAmI, {});
  };
}
