import type { ListedMember } from '../../core/members/member-service.ts';
import type { ListedToken } from '../../core/users/token-rules.ts';
import type { DeletedUser, PublicUser } from '../../core/users/user-service.ts';
import { column, jsonFields, listed, yesOrNo, type Column, type Noun } from './column.ts';
import { isoTime, localMoment, localTime } from './moments.ts';

const USER_COLUMNS: readonly Column<PublicUser>[] = [
  column('id', 'ID', ({ id }) => String(id), { align: 'right' }),
  column('name', 'NAME', ({ name }) => name, { shrinks: true }),
  column('storeAdmin', 'STORE ADMINISTRATOR', ({ isAdmin }) => yesOrNo(isAdmin)),
  column('createdAt', 'CREATED', ({ createdAt }, { zone }) => localTime(createdAt, zone)),
];

/** Never with the password's hash. */
export const userNoun: Noun<PublicUser> = {
  ...jsonFields<PublicUser>({
    id: ({ id }) => id,
    name: ({ name }) => name,
    storeAdmin: ({ isAdmin }) => isAdmin,
    createdAt: ({ createdAt }) => isoTime(createdAt),
  }),
  columns: USER_COLUMNS,
  reference: ({ name }) => name,
  none: 'No users.',
};

export const deletedUserNoun: Noun<DeletedUser> = {
  ...userNoun,
  fields: [...userNoun.fields, 'handedOn'],
  toJson: (user) => ({
    ...userNoun.toJson(user),
    handedOn: user.handedOn.map(({ to, captures }) => ({ to, captures })),
  }),
  columns: [
    ...USER_COLUMNS,
    column('handedOn', 'CAPTURES HANDED ON', ({ handedOn }) =>
      listed(handedOn.map(({ to, captures }) => `${captures} to ${to}`)),
    ),
  ],
};

interface ShownToken {
  readonly token: ListedToken;
  readonly now: number;
}

const TOKEN_COLUMNS: readonly Column<ShownToken>[] = [
  column('id', 'ID', ({ token }) => String(token.id), { align: 'right' }),
  column('name', 'NAME', ({ token }) => token.name ?? '', { shrinks: true }),
  column('expiresAt', 'EXPIRES', ({ token }, view) => localMoment(token.expiresAt, view, 1)),
  column('expired', 'STATE', ({ token, now }) => (token.expiresAt <= now ? 'expired' : 'valid'), {
    tone: ({ token, now }) => (token.expiresAt <= now ? 'dim' : 'good'),
  }),
  column('readOnly', 'MAY', ({ token }) => (token.scope.isReadOnly ? 'read' : 'read and write')),
  column('environments', 'ENVIRONMENTS', ({ token }) => scopeText(token.environments), {
    shrinks: true,
  }),
  column('createdAt', 'CREATED', ({ token }, { zone }) => localTime(token.createdAt, zone)),
];

/** @param environments names; null for every one. */
export function scopeText(environments: readonly string[] | null): string {
  if (environments === null) return 'all';
  return environments.length === 0 ? 'none' : environments.join(', ');
}

export const tokenNoun: Noun<ShownToken> = {
  ...jsonFields<ShownToken>({
    id: ({ token }) => token.id,
    name: ({ token }) => token.name,
    createdAt: ({ token }) => isoTime(token.createdAt),
    expiresAt: ({ token }) => isoTime(token.expiresAt),
    expired: ({ token, now }) => token.expiresAt <= now,
    readOnly: ({ token }) => token.scope.isReadOnly,
    environments: ({ token }) => token.environments,
  }),
  columns: TOKEN_COLUMNS,
  reference: ({ token }) => token.name ?? String(token.id),
  none: 'No tokens.',
};

/** A new token with its secret, which is shown only this once. */
interface ShownSecret extends ShownToken {
  readonly secret: string;
}

export const madeTokenNoun: Noun<ShownSecret> = {
  fields: [...tokenNoun.fields, 'token'],
  toJson: (made) => ({ ...tokenNoun.toJson(made), token: made.secret }),
  columns: [...TOKEN_COLUMNS, column('token', 'TOKEN', ({ secret }) => secret)],
  reference: ({ secret }) => secret,
  none: 'No tokens.',
};

const MEMBER_COLUMNS: readonly Column<ListedMember>[] = [
  column('user', 'USER', ({ userName }) => userName, { shrinks: true }),
  column('role', 'ROLE', ({ role }) => role),
  column('environment', 'ENVIRONMENT', ({ environmentName }) => environmentName, { shrinks: true }),
];

export const memberNoun: Noun<ListedMember> = {
  ...jsonFields<ListedMember>({
    user: ({ userName }) => userName,
    role: ({ role }) => role,
    environment: ({ environmentName }) => environmentName,
    envId: ({ environmentId }) => environmentId,
  }),
  columns: MEMBER_COLUMNS,
  detail: [
    ...MEMBER_COLUMNS,
    column('envId', 'ENVIRONMENT ID', ({ environmentId }) => String(environmentId)),
  ],
  reference: ({ userName }) => userName,
  none: 'No members.',
};
