import * as z from 'zod/mini';
import type {
  AuthenticatedActor,
  DeletedUser,
  OpenedSession,
  PublicUser,
} from '../../core/users/user-service.ts';
import { defineRoute } from './define-route.ts';
import { formOf, instant, orNull, seconds, type Form } from './wire.ts';

const tag = 'Users';

/** What a session or token may be used for. */
const scope = z.object({
  isReadOnly: z.boolean(),
  environmentIds: orNull(z.array(z.int())),
});

const actor = formOf<AuthenticatedActor>()(
  z.object({
    userId: z.int(),
    userName: z.string(),
    isStoreAdmin: z.boolean(),
    scope,
    credentialId: z.int(),
    kind: z.enum(['session', 'token']),
    expiresAt: instant,
  }),
);

const userFields = {
  id: z.int(),
  name: z.string(),
  storeAdmin: z.boolean(),
  createdAt: instant,
};

/** A user as the command line prints one. */
const user: Form<PublicUser> = z.codec(z.object(userFields), z.custom<PublicUser>(), {
  decode: ({ storeAdmin: isAdmin, ...rest }) => ({ ...rest, isAdmin }),
  encode: ({ id, name, isAdmin, createdAt }) => ({ id, name, storeAdmin: isAdmin, createdAt }),
});

const handedOn = z.array(z.object({ to: z.string(), captures: z.int() }));

const deletedUser: Form<DeletedUser> = z.codec(
  z.object({ ...userFields, handedOn }),
  z.custom<DeletedUser>(),
  {
    decode: ({ storeAdmin: isAdmin, ...rest }) => ({ ...rest, isAdmin }),
    encode: ({ isAdmin, handedOn: captures, ...rest }) => ({
      ...rest,
      storeAdmin: isAdmin,
      handedOn: captures.map((one) => ({ ...one })),
    }),
  },
);

/** The secret goes into `Authorization: Bearer` of every request after it. */
const openedSession: Form<OpenedSession> = z.codec(
  z.object({ token: z.string(), expiresAt: instant, user }),
  z.custom<OpenedSession>(),
  {
    decode: ({ token: secret, ...rest }) => ({ ...rest, secret }),
    encode: ({ secret, ...rest }) => ({ ...rest, token: secret }),
  },
);

/** The name of a user. */
const ofUser = z.object({ user: z.string() });

export const login = defineRoute({
  id: 'login',
  at: 'POST /api/login',
  tag,
  summary: 'log in',
  description:
    'Opens a session of a user. Its token goes into `Authorization: Bearer` until it expires, by default after 30 days.',
  isOpen: true,
  body: z.object({
    name: z.string(),
    password: z.string(),
    expires: z.exactOptional(seconds),
  }),
  answer: { is: 'json', form: openedSession },
});

export const logout = defineRoute({
  id: 'logout',
  at: 'POST /api/logout',
  tag,
  summary: 'end the session that asks',
  description: 'A token for scripts does not end by it: revoke it.',
  // Of what a token is, it changes nothing.
  isRead: true,
  answer: { is: 'nothing' },
});

export const whoAmI = defineRoute({
  id: 'whoAmI',
  at: 'GET /api/whoami',
  tag,
  summary: 'show who is logged in',
  answer: { is: 'json', form: actor },
});

export const listUsers = defineRoute({
  id: 'listUsers',
  at: 'GET /api/users',
  tag,
  summary: 'list users',
  answer: { is: 'rows', row: user },
});

export const createUser = defineRoute({
  id: 'createUser',
  at: 'POST /api/users',
  tag,
  summary: 'create a user',
  body: z.object({
    name: z.string(),
    password: z.string(),
    storeAdmin: z.exactOptional(z.boolean()),
  }),
  answer: { is: 'json', form: user },
});

export const checkNewUser = defineRoute({
  id: 'checkNewUser',
  at: 'GET /api/users/{user}/creation',
  tag,
  summary: 'check that a user of a name can be created',
  description: 'Fails as creating it would.',
  params: ofUser,
  answer: { is: 'nothing' },
});

export const deleteUser = defineRoute({
  id: 'deleteUser',
  at: 'DELETE /api/users/{user}',
  tag,
  summary: 'delete a user',
  description: 'Their captures go to another admin of each environment: `handedOn` says to whom.',
  params: ofUser,
  answer: { is: 'json', form: deletedUser },
});

export const checkUserDeletion = defineRoute({
  id: 'checkUserDeletion',
  at: 'GET /api/users/{user}/deletion',
  tag,
  summary: 'check that a user can be deleted',
  description: 'Fails as deleting them would.',
  params: ofUser,
  answer: { is: 'json', form: user },
});

/** `tokens`: how many of the user's are valid, or were revoked or kept. */
export const checkPasswordChange = defineRoute({
  id: 'checkPasswordChange',
  at: 'GET /api/users/{user}/password',
  tag,
  summary: 'check that a password can be changed',
  description:
    'Says whose it is and how many of their tokens are valid; fails as changing it would.',
  params: ofUser,
  answer: { is: 'json', form: z.object({ user, isOwn: z.boolean(), tokens: z.int() }) },
});

export const checkCurrentPassword = defineRoute({
  id: 'checkCurrentPassword',
  at: 'POST /api/password-check',
  tag,
  summary: "check one's own password",
  description: 'Fails where it is wrong. Wrong ones count and slow down as those of a login do.',
  body: z.object({ current: z.string() }),
  answer: { is: 'nothing' },
});

export const setPassword = defineRoute({
  id: 'setPassword',
  at: 'PUT /api/users/{user}/password',
  tag,
  summary: 'change a password',
  description:
    "One's own with the `current` one; anybody's as an administrator of the store. The user's other sessions end, and their tokens unless `keepTokens` is true: `tokens` says how many were revoked or kept.",
  params: ofUser,
  body: z.object({
    current: z.exactOptional(orNull(z.string())),
    password: z.string(),
    keepTokens: z.exactOptional(z.boolean()),
  }),
  answer: { is: 'json', form: z.object({ user, tokens: z.int() }) },
});
