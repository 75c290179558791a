import type { Role } from '../../core/access.ts';
import { formatServerUrl, type Environment } from '../../core/environments/environment.ts';
import { column, jsonFields, orDash, type Noun } from './column.ts';
import { isoTime, localTime } from './moments.ts';

type ShownEnvironment = Environment & { readonly role: Role };

const ID = column<ShownEnvironment>('id', 'ID', ({ id }) => String(id), { align: 'right' });
const NAME = column<ShownEnvironment>('name', 'NAME', ({ name }) => name, { shrinks: true });
const ROLE = column<ShownEnvironment>('role', 'ROLE', ({ role }) => role);
const URL_COLUMN = column<ShownEnvironment>(
  'url',
  'SERVER',
  ({ server }) => (server === null ? 'none (metrics only)' : formatServerUrl(server)),
  { shrinks: true },
);
const INSTANCE = column<ShownEnvironment>('instance', 'INSTANCE', ({ instance }) =>
  orDash(instance),
);
const REGION = column<ShownEnvironment>('region', 'REGION', ({ region }) => orDash(region));

/** Its JSON holds where the password is, never the password. */
export const environmentNoun: Noun<ShownEnvironment> = {
  ...jsonFields<ShownEnvironment>({
    id: ({ id }) => id,
    name: ({ name }) => name,
    url: ({ server }) => (server === null ? null : formatServerUrl(server)),
    passwordFrom: ({ server }) => server?.passwordFrom ?? null,
    sslMode: ({ server }) => server?.sslMode ?? null,
    sslCa: ({ server }) => server?.sslCa ?? null,
    serverPublicKey: ({ server }) => server?.serverPublicKey ?? null,
    region: ({ region }) => region,
    instance: ({ instance }) => instance,
    profile: ({ profile }) => profile,
    endpointUrl: ({ endpointUrl }) => endpointUrl,
    role: ({ role }) => role,
    createdAt: ({ createdAt }) => isoTime(createdAt),
  }),
  columns: [ID, NAME, ROLE, URL_COLUMN, INSTANCE, REGION],
  detail: [
    ID,
    NAME,
    { ...ROLE, header: 'YOUR ROLE' },
    URL_COLUMN,
    column('passwordFrom', 'PASSWORD FROM', ({ server }) => orDash(server?.passwordFrom)),
    column('sslMode', 'SSL MODE', ({ server }) => orDash(server?.sslMode)),
    column('sslCa', 'SSL CA', ({ server }) => orDash(server?.sslCa)),
    column('serverPublicKey', 'SERVER KEY', ({ server }) => orDash(server?.serverPublicKey)),
    INSTANCE,
    REGION,
    column('profile', 'PROFILE', ({ profile }) => orDash(profile)),
    column('endpointUrl', 'ENDPOINT', ({ endpointUrl }) => orDash(endpointUrl)),
    column('createdAt', 'CREATED', ({ createdAt }, { zone }) => localTime(createdAt, zone)),
  ],
  reference: ({ name }) => name,
  none: 'No environments.',
};
