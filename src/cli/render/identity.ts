import type { JsonObject, Noun } from './column.ts';
import { isoTime, localTime } from './moments.ts';

/** Who is logged in, and by what. */
export interface Identity {
  readonly user: string;
  readonly isStoreAdmin: boolean;
  readonly kind: 'session' | 'token';
  readonly expiresAt: number;
  readonly store: string;
}

function identityJson(identity: Identity): JsonObject {
  return {
    user: identity.user,
    storeAdmin: identity.isStoreAdmin,
    by: identity.kind,
    expiresAt: isoTime(identity.expiresAt),
    store: identity.store,
  };
}

const COLUMNS: Noun<Identity>['columns'] = [
  { field: 'user', header: 'USER', cell: ({ user }) => user },
  {
    field: 'storeAdmin',
    header: 'STORE ADMINISTRATOR',
    cell: ({ isStoreAdmin }) => (isStoreAdmin ? 'yes' : 'no'),
  },
  { field: 'by', header: 'LOGGED IN BY', cell: ({ kind }) => kind },
  {
    field: 'expiresAt',
    header: 'UNTIL',
    cell: ({ expiresAt }, view) => localTime(expiresAt, view.zone),
  },
  { field: 'store', header: 'STORE', cell: ({ store }) => store },
];

export const identityNoun: Noun<Identity> = {
  fields: ['user', 'storeAdmin', 'by', 'expiresAt', 'store'],
  toJson: identityJson,
  columns: COLUMNS,
  reference: ({ user }) => user,
  none: 'You are not logged in.',
};

const LOGOUT_COLUMNS: Noun<boolean>['columns'] = [
  { field: 'loggedOut', header: 'LOGGED OUT', cell: (wasLoggedIn) => (wasLoggedIn ? 'yes' : 'no') },
];

/** Whether `logout` ended a session. */
export const logoutNoun: Noun<boolean> = {
  fields: ['loggedOut'],
  toJson: (wasLoggedIn) => ({ loggedOut: wasLoggedIn }),
  columns: LOGOUT_COLUMNS,
  reference: String,
  none: 'You were not logged in.',
};
