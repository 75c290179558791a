import * as z from 'zod/mini';
import {
  formatServerUrl,
  SSL_MODES,
  type Environment,
  type ServerAddress,
  type ServerEnvironment,
} from '../../core/environments/environment.ts';
import type {
  EnvironmentEdit,
  EnvironmentRequest,
  Membership,
  ServerRequest,
} from '../../core/environments/environment-service.ts';
import { documented, instant, orNull, type Form } from './wire.ts';

const text = orNull(z.string());

/** The fields that the command line prints, and the parts of the URL. */
const fields = {
  id: z.int(),
  name: z.string(),
  url: documented(orNull(z.string()), { description: 'Without a password; null: metrics-only' }),
  passwordFrom: documented(orNull(z.string()), {
    description: '`env:NAME`, `file:PATH` or `cnf:PATH#GROUP` on the server: never the password',
  }),
  sslMode: orNull(z.enum(SSL_MODES)),
  sslCa: text,
  serverPublicKey: text,
  region: text,
  instance: text,
  profile: text,
  endpointUrl: text,
  createdAt: instant,
  server: orNull(
    z.object({
      engine: z.string(),
      user: z.string(),
      host: z.string(),
      port: z.int(),
      socket: text,
      database: text,
      // It was described over the API, and names only what the server's user allowed.
      isConfined: z.exactOptional(z.literal(true)),
    }),
  ),
};

const environmentOnWire = z.object(fields);
type EnvironmentOnWire = z.output<typeof environmentOnWire>;

const role = z.enum(['member', 'admin']);
const membershipOnWire = documented(z.object({ ...fields, role }), { id: 'Environment' });

/** An environment, and the role of who asks. */
export const membership: Form<Membership> = z.codec(membershipOnWire, z.custom<Membership>(), {
  decode: ({ role: ofActor, ...wire }) => ({ ...environmentOf(wire), role: ofActor }),
  encode: ({ role: ofActor, ...environment }) => ({ ...onWire(environment), role: ofActor }),
});

/** An environment with a server, which what asks for it requires. */
export const serverEnvironment: Form<ServerEnvironment> = z.codec(
  environmentOnWire,
  z.custom<ServerEnvironment>(),
  {
    // The server answers it with one.
    decode: (wire) => environmentOf(wire) as ServerEnvironment,
    encode: onWire,
  },
);

function onWire({ server, ...environment }: Environment): EnvironmentOnWire {
  const { id, name, region, instance, profile, endpointUrl, createdAt } = environment;
  return {
    id,
    name,
    url: server === null ? null : formatServerUrl(server),
    passwordFrom: server?.passwordFrom ?? null,
    sslMode: server?.sslMode ?? null,
    sslCa: server?.sslCa ?? null,
    serverPublicKey: server?.serverPublicKey ?? null,
    region,
    instance,
    profile,
    endpointUrl,
    createdAt,
    server: server === null ? null : locationOf(server),
  };
}

function locationOf(server: ServerAddress): NonNullable<EnvironmentOnWire['server']> {
  const { engine, user, host, port, socket, database, isConfined } = server;
  const location = { engine, user, host, port, socket, database };
  return isConfined === undefined ? location : { ...location, isConfined };
}

function environmentOf(wire: EnvironmentOnWire): Environment {
  const { id, name, region, instance, profile, endpointUrl, createdAt } = wire;
  const environment = { id, name, region, instance, profile, endpointUrl, createdAt };
  const { server, passwordFrom, sslMode, sslCa, serverPublicKey } = wire;
  if (server === null || sslMode === null) return { ...environment, server: null };
  return { ...environment, server: { ...server, passwordFrom, sslMode, sslCa, serverPublicKey } };
}

const maybe = z.exactOptional(text);

/** What is absent stays as it is; null takes it away. */
const described = {
  url: maybe,
  passwordFrom: maybe,
  sslMode: z.exactOptional(orNull(z.enum(SSL_MODES))),
  sslCa: maybe,
  serverPublicKey: maybe,
  region: maybe,
  instance: maybe,
  profile: maybe,
  endpointUrl: maybe,
};

const requestOnWire = z.object({ name: z.string(), ...described });
const editOnWire = z.object({ name: z.exactOptional(z.string()), ...described });

/** A new environment. */
export const environmentRequest: Form<EnvironmentRequest> = z.codec(
  requestOnWire,
  z.custom<EnvironmentRequest>(),
  {
    decode: (wire, { issues }) => {
      const { server, ...rest } = gathered(wire);
      if (server == null) return rest;
      if (server.url !== undefined) return { ...rest, server: { ...server, url: server.url } };
      issues.push({ code: 'custom', message: 'needs a "url" for its server', input: wire });
      return z.NEVER;
    },
    encode: spread,
  },
);

/** What is to be changed of one. */
export const environmentEdit: Form<EnvironmentEdit> = z.codec(
  editOnWire,
  z.custom<EnvironmentEdit>(),
  { decode: gathered, encode: spread },
);

type Described = Omit<z.output<typeof editOnWire>, 'name'>;

/** Puts together what is said of the server. */
function gathered<Wire extends Described>({
  url,
  passwordFrom,
  sslMode,
  sslCa,
  serverPublicKey,
  ...rest
}: Wire): Omit<Wire, 'url' | 'passwordFrom' | 'sslMode' | 'sslCa' | 'serverPublicKey'> & {
  server?: Partial<ServerRequest> | null;
} {
  if (url === null) return { ...rest, server: null };
  const server = {
    ...(url === undefined ? {} : { url }),
    ...(passwordFrom === undefined ? {} : { passwordFrom }),
    ...(sslMode === undefined ? {} : { sslMode }),
    ...(sslCa === undefined ? {} : { sslCa }),
    ...(serverPublicKey === undefined ? {} : { serverPublicKey }),
  };
  return Object.keys(server).length === 0 ? rest : { ...rest, server };
}

function spread<Request extends { readonly server?: Partial<ServerRequest> | null }>({
  server,
  ...rest
}: Request): Omit<Request, 'server'> & Described {
  return { ...rest, ...(server === null ? { url: null } : server) };
}
