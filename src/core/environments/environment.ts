export const SSL_MODES = [
  'DISABLED',
  'PREFERRED',
  'REQUIRED',
  'VERIFY_CA',
  'VERIFY_IDENTITY',
] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** Where a database server is and as whom to log in. The password is a reference, never the secret. */
export interface ServerAddress {
  /** The scheme of its URL: which source of statements reads it. */
  readonly engine: string;
  readonly user: string;
  readonly host: string;
  readonly port: number;
  /** Path of a local socket; wins over host and port. */
  readonly socket: string | null;
  readonly database: string | null;
  /** `env:NAME`, `file:PATH` or `cnf:PATH#GROUP`; null to log in without a password. */
  readonly passwordFrom: string | null;
  readonly sslMode: SslMode;
  /** Path of a PEM file with the authorities to trust; null for the system's. */
  readonly sslCa: string | null;
  /** Path of a PEM file with the server's RSA key, to log in without TLS; null without one. */
  readonly serverPublicKey: string | null;
  /**
   * It was described over the API: files and variables that it names are read only where the user of the
   * process allowed that. Absent: it was described on this machine.
   */
  readonly isConfined?: true;
}

/** A database server that can be captured. */
export interface Environment {
  readonly id: number;
  readonly name: string;
  /** null: metrics-only. */
  readonly server: ServerAddress | null;
  readonly region: string | null;
  /** What the provider of its metrics calls the server. */
  readonly instance: string | null;
  readonly profile: string | null;
  readonly endpointUrl: string | null;
  readonly createdAt: number;
}

/** What an environment says of where its metrics come from. */
export type ProviderFields = Pick<Environment, 'region' | 'instance' | 'profile' | 'endpointUrl'>;

/** Where a server is, and as whom to log in there. */
export type ServerLocation = Pick<
  ServerAddress,
  'engine' | 'user' | 'host' | 'port' | 'socket' | 'database'
>;

/** An environment with a server: one whose statements can be recorded. */
export type ServerEnvironment = Environment & { readonly server: ServerAddress };

/** What a server is called in every message: `host:port` as its environment has them, or its socket. */
export function placeOf({
  host,
  port,
  socket,
}: Pick<ServerAddress, 'host' | 'port' | 'socket'>): string {
  return socket ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}

/** The URL of a server, as its source reads it; it never holds a password. */
export function formatServerUrl(server: ServerAddress): string {
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  const database = server.database === null ? '' : `/${encodeURIComponent(server.database)}`;
  const socket = server.socket === null ? '' : `?socket=${server.socket}`;
  return `${server.engine}://${encodeURIComponent(server.user)}@${host}:${server.port}${database}${socket}`;
}
