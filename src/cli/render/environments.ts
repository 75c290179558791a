import type { Role } from '../../core/access.ts';
import { formatServerUrl, type Environment } from '../../core/environments/environment.ts';
import type { Column, JsonObject, Noun } from './column.ts';
import { isoTime, localTime } from './moments.ts';

export type ShownEnvironment = Environment & { readonly role: Role };

/** An environment as JSON. It holds where the password is, never the password. */
function environmentJson(environment: ShownEnvironment): JsonObject {
  const { server } = environment;
  return {
    id: environment.id,
    name: environment.name,
    url: server === null ? null : formatServerUrl(server),
    passwordFrom: server?.passwordFrom ?? null,
    sslMode: server?.sslMode ?? null,
    sslCa: server?.sslCa ?? null,
    serverPublicKey: server?.serverPublicKey ?? null,
    region: environment.region,
    instance: environment.instance,
    profile: environment.profile,
    endpointUrl: environment.endpointUrl,
    role: environment.role,
    createdAt: isoTime(environment.createdAt),
  };
}

const text = (value: string | null | undefined): string => value ?? '-';

const URL_COLUMN: Column<ShownEnvironment> = {
  field: 'url',
  header: 'SERVER',
  shrinks: true,
  cell: ({ server }) => (server === null ? 'none (metrics only)' : formatServerUrl(server)),
};
const FIRST: readonly Column<ShownEnvironment>[] = [
  { field: 'id', header: 'ID', align: 'right', cell: (environment) => String(environment.id) },
  { field: 'name', header: 'NAME', shrinks: true, cell: (environment) => environment.name },
];
const AWS: readonly Column<ShownEnvironment>[] = [
  { field: 'instance', header: 'INSTANCE', cell: (environment) => text(environment.instance) },
  { field: 'region', header: 'REGION', cell: (environment) => text(environment.region) },
];
const ROLE: Column<ShownEnvironment> = {
  field: 'role',
  header: 'ROLE',
  cell: (environment) => environment.role,
};

export const environmentNoun: Noun<ShownEnvironment> = {
  fields: [
    'id',
    'name',
    'url',
    'passwordFrom',
    'sslMode',
    'sslCa',
    'serverPublicKey',
    'region',
    'instance',
    'profile',
    'endpointUrl',
    'role',
    'createdAt',
  ],
  toJson: environmentJson,
  columns: [...FIRST, ROLE, URL_COLUMN, ...AWS],
  detail: [
    ...FIRST,
    { ...ROLE, header: 'YOUR ROLE' },
    URL_COLUMN,
    {
      field: 'passwordFrom',
      header: 'PASSWORD FROM',
      cell: ({ server }) => text(server?.passwordFrom),
    },
    { field: 'sslMode', header: 'SSL MODE', cell: ({ server }) => text(server?.sslMode) },
    { field: 'sslCa', header: 'SSL CA', cell: ({ server }) => text(server?.sslCa) },
    {
      field: 'serverPublicKey',
      header: 'SERVER KEY',
      cell: ({ server }) => text(server?.serverPublicKey),
    },
    ...AWS,
    { field: 'profile', header: 'PROFILE', cell: ({ profile }) => text(profile) },
    { field: 'endpointUrl', header: 'ENDPOINT', cell: ({ endpointUrl }) => text(endpointUrl) },
    {
      field: 'createdAt',
      header: 'CREATED',
      cell: ({ createdAt }, view) => localTime(createdAt, view.zone),
    },
  ],
  reference: (environment) => environment.name,
  none: 'No environments.',
};
