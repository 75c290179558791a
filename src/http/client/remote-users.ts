import type { Api } from '../../core/api.ts';
import { AppError, isAppError } from '../../core/errors.ts';
import { createToken, listTokens, revokeToken } from '../contract/token-routes.ts';
import {
  checkNewUser,
  checkCurrentPassword,
  checkPasswordChange,
  checkUserDeletion,
  createUser,
  deleteUser,
  listUsers,
  login,
  logout,
  setPassword,
  whoAmI,
} from '../contract/user-routes.ts';
import type { Connection } from './connection.ts';

type Users = Api['users'];

/** Asks who is there, which any server of captures answers. @throws AppError `remote_failed` as `Connection.value`. */
export async function reachServer(server: Connection): Promise<void> {
  try {
    await server.value(whoAmI, {});
  } catch (error) {
    if (!isAppError(error, 'unauthenticated')) throw error;
  }
}

/** `UserService` on a server. */
export class RemoteUsers implements Users {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  /** @throws AppError `invalid`: a store is made on its own machine. */
  openFirstSession: Users['openFirstSession'] = () => {
    throw new AppError('invalid', "A store is made on the server's machine, with its first user");
  };

  login: Users['login'] = (name, password, lengthMs) =>
    this.#server.value(login, {
      body: { name, password, ...(lengthMs === undefined ? {} : { expires: lengthMs }) },
    });

  /** A server tells nobody who its users are. */
  whoLogsIn: Users['whoLogsIn'] = () => Promise.resolve(null);

  /** Every request from here on is that of who has the secret. */
  authenticate: Users['authenticate'] = (secret) => {
    this.#server.secret = secret;
    return this.#server.value(whoAmI, {});
  };

  logout: Users['logout'] = async (secret) => {
    this.#server.secret = secret;
    try {
      await this.#server.value(logout, {});
    } catch (error) {
      // One that is not known any more has ended already.
      if (!isAppError(error, 'unauthenticated')) throw error;
    } finally {
      this.#server.secret = null;
    }
  };

  listUsers: Users['listUsers'] = () => this.#server.list(listUsers, {});

  createUser: Users['createUser'] = (_actor, { name, password, isAdmin }) =>
    this.#server.value(createUser, { body: { name, password, storeAdmin: isAdmin } });

  checkNewUser: Users['checkNewUser'] = (_actor, name) =>
    this.#server.value(checkNewUser, { params: { user: name } });

  deleteUser: Users['deleteUser'] = (_actor, name) =>
    this.#server.value(deleteUser, { params: { user: name } });

  checkDeletion: Users['checkDeletion'] = (_actor, name) =>
    this.#server.value(checkUserDeletion, { params: { user: name } });

  setPassword: Users['setPassword'] = (actor, { user, ...change }) =>
    this.#server.value(setPassword, { params: { user: user ?? actor.userName }, body: change });

  checkPasswordChange: Users['checkPasswordChange'] = (actor, name) =>
    this.#server.value(checkPasswordChange, { params: { user: name ?? actor.userName } });

  checkCurrentPassword: Users['checkCurrentPassword'] = (_actor, current) =>
    this.#server.value(checkCurrentPassword, { body: { current } });

  createToken: Users['createToken'] = (_actor, name, lengthMs, scope) =>
    this.#server.value(createToken, {
      body: {
        name,
        ...(lengthMs === undefined ? {} : { expires: lengthMs }),
        ...(scope === undefined
          ? {}
          : {
              readOnly: scope.isReadOnly,
              environments: scope.environments === null ? null : [...scope.environments],
            }),
      },
    });

  listTokens: Users['listTokens'] = () => this.#server.list(listTokens, {});

  revokeToken: Users['revokeToken'] = (_actor, ref) =>
    this.#server.value(revokeToken, { params: { token: ref } });
}
