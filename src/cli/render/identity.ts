import { column, jsonFields, yesOrNo, type Noun } from './column.ts';
import { scopeText } from './users.ts';
import { isoTime, localTime } from './moments.ts';

interface Identity {
  readonly user: string;
  readonly isStoreAdmin: boolean;
  readonly kind: 'session' | 'token';
  readonly expiresAt: number;
  readonly isReadOnly: boolean;
  /** Names; null for every one of the user. */
  readonly environments: readonly string[] | null;
  /** Its folder; null for that of a server. */
  readonly store: string | null;
  /** Its name; null for the store of this machine. */
  readonly server: string | null;
}

export const identityNoun: Noun<Identity> = {
  ...jsonFields<Identity>({
    user: ({ user }) => user,
    storeAdmin: ({ isStoreAdmin }) => isStoreAdmin,
    by: ({ kind }) => kind,
    expiresAt: ({ expiresAt }) => isoTime(expiresAt),
    store: ({ store }) => store,
    readOnly: ({ isReadOnly }) => isReadOnly,
    environments: ({ environments }) => environments,
    server: ({ server }) => server,
  }),
  columns: [
    column('user', 'USER', ({ user }) => user),
    column('storeAdmin', 'STORE ADMINISTRATOR', ({ isStoreAdmin }) => yesOrNo(isStoreAdmin)),
    column('by', 'LOGGED IN BY', ({ kind }) => kind),
    column('expiresAt', 'UNTIL', ({ expiresAt }, { zone }) => localTime(expiresAt, zone)),
    column('readOnly', 'MAY', ({ isReadOnly }) => (isReadOnly ? 'read' : 'read and write')),
    column('environments', 'ENVIRONMENTS', ({ environments }) => scopeText(environments)),
    column('store', 'STORE', ({ store, server }) => store ?? server ?? ''),
  ],
  reference: ({ user }) => user,
  none: 'You are not logged in.',
};

export const logoutNoun: Noun<boolean> = {
  ...jsonFields<boolean>({ loggedOut: (wasLoggedIn) => wasLoggedIn }),
  columns: [column('loggedOut', 'LOGGED OUT', yesOrNo)],
  reference: String,
  none: 'You were not logged in.',
};
