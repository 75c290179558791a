import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UNLIMITED, type Actor, type Role } from '../../src/core/access.ts';
import { UNKNOWN_ORIGIN, type Origin } from '../../src/core/audit/audit-trail.ts';
import { CaptureRules } from '../../src/core/captures/capture-rules.ts';
import type { CaptureRequest } from '../../src/core/captures/capture-timing.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Confinement } from '../../src/core/environments/confinement.ts';
import type { Environment, ServerAddress } from '../../src/core/environments/environment.ts';
import type { Outside } from '../../src/core/outside.ts';
import type { ListedCapture, Store } from '../../src/core/store.ts';
import { checkProvider } from '../../src/metrics-source/cloudwatch/provider-form.ts';
import { parseServerUrl } from '../../src/source/mysql/connection/server-url.ts';
import { createStore } from '../../src/store/sqlite-store.ts';
import { CHEAP_HASH } from './users.ts';

/** A new folder, cleared away after the run (see global-setup.ts). */
export function temporaryFolder(prefix = 'captures-test-'): string {
  return mkdtempSync(join(tmpdir(), prefix));
}

/** Everything may be described from elsewhere; a file is known by its path alone. */
const UNCONFINED: Confinement = {
  check: () => undefined,
  allowsPassword: () => true,
  namesOf: (path) => [path],
};

/** What use cases over a store are given in a test that has no servers, no daemons and no metrics. */
export function outsideOf(store: Store, clock: Clock, origin: Origin = UNKNOWN_ORIGIN): Outside {
  const unexpected = (): never => {
    throw new Error('The test expects nothing of what is outside');
  };
  return {
    store,
    clock,
    origin,
    program: () => ({ name: 'captures', version: 'of a test' }),
    passwordCost: CHEAP_HASH,
    parseServerUrl,
    checkProvider,
    confinement: () => Promise.resolve(UNCONFINED),
    servers: unexpected,
    replayTargets: unexpected,
    replayPlayer: unexpected,
    isLeftToDaemon: () => Promise.resolve(false),
    restorer: unexpected,
    workloads: unexpected,
    compareCounters: unexpected,
    serverDigestKey: unexpected,
    measuresExecutes: unexpected,
    daemons: { start: unexpected, isRunning: () => true },
    metricSources: unexpected,
    logSwitchCommands: unexpected,
  };
}

/** A real store in a folder of its own, with builders for what a test needs in it. */
export class TestStore {
  readonly store: Store;
  readonly clock: Clock;
  readonly captures: CaptureRules;
  #users = 0;
  #environments = 0;
  #captures = 0;

  constructor(clock: Clock, folder = join(temporaryFolder(), 'home')) {
    this.clock = clock;
    this.store = createStore(folder, { sharedGroup: null, now: clock.now() }, () => undefined);
    this.captures = new CaptureRules(this.store, clock);
  }

  /** A user; the password hash fits no password. */
  user(name = `user${++this.#users}`, isAdmin = false): Actor {
    const user = this.store.users.insert({ name, isAdmin, passwordHash: 'none' }, this.clock.now());
    return { userId: user.id, userName: user.name, isStoreAdmin: user.isAdmin, scope: UNLIMITED };
  }

  /** An environment, metrics-only unless it has a server, with these members. */
  environment(
    members: Partial<Record<Role, readonly Actor[]>> = {},
    options: {
      name?: string;
      server?: ServerAddress;
      instance?: string;
      region?: string;
      endpointUrl?: string;
    } = {},
  ): Environment {
    const environment = this.store.environments.insert(
      {
        name: options.name ?? `environment${++this.#environments}`,
        server: options.server ?? null,
        region: options.region ?? null,
        instance: options.instance ?? null,
        profile: null,
        endpointUrl: options.endpointUrl ?? null,
      },
      this.clock.now(),
    );
    for (const actor of members.admin ?? []) {
      this.store.members.insert(environment.id, actor.userId, 'admin');
    }
    for (const actor of members.member ?? []) {
      this.store.members.insert(environment.id, actor.userId, 'member');
    }
    return environment;
  }

  capture(
    actor: Actor,
    environment: Environment,
    request: Partial<CaptureRequest> = {},
  ): ListedCapture {
    return this.captures.create(actor, {
      name: `capture${++this.#captures}`,
      environment: String(environment.id),
      status: null,
      start: null,
      scheduledStart: null,
      duration: null,
      ...request,
    });
  }
}

export const SERVER: ServerAddress = {
  engine: 'mysql',
  user: 'recorder',
  host: '127.0.0.1',
  port: 3306,
  socket: null,
  database: null,
  passwordFrom: null,
  sslMode: 'PREFERRED',
  sslCa: null,
  serverPublicKey: null,
};
