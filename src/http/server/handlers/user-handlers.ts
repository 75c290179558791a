import {
  checkCurrentPassword,
  checkNewUser,
  checkPasswordChange,
  checkUserDeletion,
  createUser,
  deleteUser,
  listUsers,
  login,
  logout,
  setPassword,
  whoAmI,
} from '../../contract/user-routes.ts';
import { createToken, listTokens, revokeToken } from '../../contract/token-routes.ts';
import { handle, handleOpen } from '../handler.ts';

export const userHandlers = [
  handleOpen(login, ({ api }, { body: { name, password, expires } }) =>
    api.users.login(name, password, expires),
  ),
  handle(logout, ({ api, secret }) => api.users.logout(secret)),
  handle(whoAmI, ({ actor }) => Promise.resolve(actor)),
  handle(listUsers, ({ api, actor }) => api.users.listUsers(actor)),
  handle(createUser, ({ api, actor }, { body: { name, password, storeAdmin = false } }) =>
    api.users.createUser(actor, { name, password, isAdmin: storeAdmin }),
  ),
  handle(checkNewUser, ({ api, actor }, { params }) => api.users.checkNewUser(actor, params.user)),
  handle(deleteUser, ({ api, actor }, { params }) => api.users.deleteUser(actor, params.user)),
  handle(checkUserDeletion, ({ api, actor }, { params }) =>
    api.users.checkDeletion(actor, params.user),
  ),
  handle(checkPasswordChange, ({ api, actor }, { params }) =>
    api.users.checkPasswordChange(actor, params.user),
  ),
  handle(checkCurrentPassword, ({ api, actor }, { body }) =>
    api.users.checkCurrentPassword(actor, body.current),
  ),
  handle(setPassword, ({ api, actor }, { params, body }) => {
    const { current = null, password, keepTokens = false } = body;
    return api.users.setPassword(actor, { user: params.user, current, password, keepTokens });
  }),
  handle(listTokens, ({ api, actor }) => api.users.listTokens(actor)),
  handle(createToken, ({ api, actor }, { body }) =>
    api.users.createToken(actor, body.name, body.expires, {
      isReadOnly: body.readOnly === true,
      environments: body.environments ?? null,
    }),
  ),
  handle(revokeToken, ({ api, actor }, { params }) => api.users.revokeToken(actor, params.token)),
];
