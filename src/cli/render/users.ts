import type { ListedMember } from '../../core/members/member-service.ts';
import type { Credential } from '../../core/store.ts';
import type { DeletedUser, PublicUser } from '../../core/users/user-service.ts';
import type { Column, JsonObject, Noun } from './column.ts';
import { isoTime, localTime } from './moments.ts';
import { formatRelative } from '../../core/units.ts';

/** A user as JSON: never the password's hash. */
function userJson({ id, name, isAdmin, createdAt }: PublicUser): JsonObject {
  return { id, name, storeAdmin: isAdmin, createdAt: isoTime(createdAt) };
}

const USER_COLUMNS: readonly Column<PublicUser>[] = [
  { field: 'id', header: 'ID', align: 'right', cell: ({ id }) => String(id) },
  { field: 'name', header: 'NAME', shrinks: true, cell: ({ name }) => name },
  {
    field: 'storeAdmin',
    header: 'STORE ADMINISTRATOR',
    cell: ({ isAdmin }) => (isAdmin ? 'yes' : 'no'),
  },
  {
    field: 'createdAt',
    header: 'CREATED',
    cell: ({ createdAt }, view) => localTime(createdAt, view.zone),
  },
];

export const userNoun: Noun<PublicUser> = {
  fields: ['id', 'name', 'storeAdmin', 'createdAt'],
  toJson: userJson,
  columns: USER_COLUMNS,
  reference: ({ name }) => name,
  none: 'No users.',
};

const DELETED_COLUMNS: readonly Column<DeletedUser>[] = [
  ...USER_COLUMNS,
  {
    field: 'handedOn',
    header: 'CAPTURES HANDED ON',
    cell: ({ handedOn }) =>
      handedOn.length === 0
        ? 'none'
        : handedOn.map(({ to, captures }) => `${captures} to ${to}`).join(', '),
  },
];

export const deletedUserNoun: Noun<DeletedUser> = {
  ...userNoun,
  fields: [...userNoun.fields, 'handedOn'],
  toJson: (user) => ({
    ...userJson(user),
    handedOn: user.handedOn.map(({ to, captures }) => ({ to, captures })),
  }),
  columns: DELETED_COLUMNS,
};

/** A token with the moment it is looked at; its secret only where it was just made. */
export interface ShownToken {
  readonly token: Credential;
  readonly now: number;
}

function tokenJson({ token, now }: ShownToken): JsonObject {
  return {
    id: token.id,
    name: token.name,
    createdAt: isoTime(token.createdAt),
    expiresAt: isoTime(token.expiresAt),
    expired: token.expiresAt <= now,
  };
}

const TOKEN_COLUMNS: readonly Column<ShownToken>[] = [
  { field: 'id', header: 'ID', align: 'right', cell: ({ token }) => String(token.id) },
  { field: 'name', header: 'NAME', shrinks: true, cell: ({ token }) => token.name ?? '' },
  {
    field: 'expiresAt',
    header: 'EXPIRES',
    cell: ({ token }, view) =>
      `${localTime(token.expiresAt, view.zone)} (${formatRelative(token.expiresAt, view.now, 1)})`,
  },
  {
    field: 'expired',
    header: 'STATE',
    cell: ({ token, now }) => (token.expiresAt <= now ? 'expired' : 'valid'),
    tone: ({ token, now }) => (token.expiresAt <= now ? 'dim' : 'good'),
  },
  {
    field: 'createdAt',
    header: 'CREATED',
    cell: ({ token }, view) => localTime(token.createdAt, view.zone),
  },
];

export const tokenNoun: Noun<ShownToken> = {
  fields: ['id', 'name', 'createdAt', 'expiresAt', 'expired'],
  toJson: tokenJson,
  columns: TOKEN_COLUMNS,
  reference: ({ token }) => token.name ?? String(token.id),
  none: 'No tokens.',
};

/** A token that was just made, with the secret that is shown this once. */
export interface ShownSecret extends ShownToken {
  readonly secret: string;
}

const SECRET_COLUMNS: readonly Column<ShownSecret>[] = [
  ...TOKEN_COLUMNS,
  { field: 'token', header: 'TOKEN', cell: ({ secret }) => secret },
];

export const madeTokenNoun: Noun<ShownSecret> = {
  fields: [...tokenNoun.fields, 'token'],
  toJson: (made) => ({ ...tokenJson(made), token: made.secret }),
  columns: SECRET_COLUMNS,
  reference: ({ secret }) => secret,
  none: 'No tokens.',
};

/** A member with the name of the environment. */
const MEMBER_COLUMNS: readonly Column<ListedMember>[] = [
  { field: 'user', header: 'USER', shrinks: true, cell: ({ userName }) => userName },
  { field: 'role', header: 'ROLE', cell: ({ role }) => role },
  {
    field: 'environment',
    header: 'ENVIRONMENT',
    shrinks: true,
    cell: ({ environmentName }) => environmentName,
  },
];

export const memberNoun: Noun<ListedMember> = {
  fields: ['user', 'role', 'environment', 'envId'],
  toJson: ({ userName, role, environmentName, environmentId }) => ({
    user: userName,
    role,
    environment: environmentName,
    envId: environmentId,
  }),
  columns: MEMBER_COLUMNS,
  detail: [
    ...MEMBER_COLUMNS,
    {
      field: 'envId',
      header: 'ENVIRONMENT ID',
      cell: ({ environmentId }) => String(environmentId),
    },
  ],
  reference: ({ userName }) => userName,
  none: 'No members.',
};
