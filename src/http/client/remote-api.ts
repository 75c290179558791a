import type { Api } from '../../core/api.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import { loadedWhenCalled } from './deferred-call.ts';
import type { Outage } from './outage.ts';
import type { RemoteCaptureLookups } from './remote-capture-lookups.ts';

/** The use cases on a server. */
export interface RemoteApi extends Api {
  /** Of the program there, as it said with its last answer; null where it has not said so. */
  serverVersion(): string | null;
  /** By how much its clock is ahead of ours, in milliseconds, or somewhat less; null where that is not known. */
  clockAhead(): number | null;
  /** Every request from here on is that of who has the secret, who may be nobody: its answer says so. */
  askAs(secret: string): void;
  /** What is to be known of its answers since the last call, such as rows that had to be left out: a sentence each. */
  takeWarnings(): string[];
  /** Whether the server said with its last answer that nothing goes on unattended: see `DaemonService.unattended`. */
  isQuiet(): boolean;
  /**
   * Sees to it that there is a server of captures.
   * @throws AppError `remote_failed` where there is none, or one that is not to be trusted.
   */
  reach(): Promise<void>;
  /**
   * Asks for what may be asked twice until there is an answer: a server that was started anew is asked again for a
   * minute. Watching, following and waiting do that by themselves.
   * @throws AppError the failure of the last time.
   */
  outlast<Value>(ask: () => PromiseLike<Value>, signal: AbortSignal): Promise<Value>;
  /** Who is told when the server does not answer and is asked again. */
  onOutage(listener: Outage['listener']): void;
  /** Closes what is kept open to the server. */
  close(): void;
}

/**
 * The use cases on a server: a second implementation of `Api`. The actors that calls are given are not looked
 * at: the server knows who asks by the secret that `askAs` or `users.authenticate` was called with.
 * @throws AppError from each of them, what the server answers; `remote_failed` where it does not.
 */
export function createRemoteApi(options: ConnectionOptions): RemoteApi {
  const server = new Connection(options);
  return {
    captures: loadedWhenCalled<Api['captures'], keyof RemoteCaptureLookups>(
      async () => {
        const { RemoteCaptures } = await import('./remote-captures.ts');
        return new RemoteCaptures(server);
      },
      {
        names: ['list', 'walk', 'get', 'details'],
        load: async () => {
          const { RemoteCaptureLookups } = await import('./remote-capture-lookups.ts');
          return new RemoteCaptureLookups(server);
        },
      },
    ),
    schedules: loadedWhenCalled<Api['schedules']>(async () => {
      const { RemoteSchedules } = await import('./remote-schedules.ts');
      return new RemoteSchedules(server);
    }),
    environments: loadedWhenCalled<Api['environments']>(async () => {
      const { RemoteEnvironments } = await import('./remote-environments.ts');
      return new RemoteEnvironments(server);
    }),
    members: loadedWhenCalled<Api['members']>(async () => {
      const { RemoteMembers } = await import('./remote-environments.ts');
      return new RemoteMembers(server);
    }),
    users: loadedWhenCalled<Api['users']>(async () => {
      const { RemoteUsers } = await import('./remote-users.ts');
      return new RemoteUsers(server);
    }),
    metrics: loadedWhenCalled<Api['metrics']>(async () => {
      const { RemoteMetrics } = await import('./remote-metrics.ts');
      return new RemoteMetrics(server);
    }),
    recovery: loadedWhenCalled<Api['recovery']>(async () => {
      const { RemoteRecovery } = await import('./remote-recovery.ts');
      return new RemoteRecovery();
    }),
    warmUps: loadedWhenCalled<Api['warmUps']>(async () => {
      const { RemoteWarmUps } = await import('./remote-warm-ups.ts');
      return new RemoteWarmUps(server);
    }),
    workloads: loadedWhenCalled<Api['workloads']>(async () => {
      const { RemoteWorkloads } = await import('./remote-workloads.ts');
      return new RemoteWorkloads(server);
    }),
    transfers: loadedWhenCalled<Api['transfers']>(async () => {
      const { RemoteTransfers } = await import('./remote-transfers.ts');
      return new RemoteTransfers(server);
    }),
    verification: loadedWhenCalled<Api['verification']>(async () => {
      const { RemoteVerification } = await import('./remote-reports.ts');
      return new RemoteVerification(server);
    }),
    reports: loadedWhenCalled<Api['reports']>(async () => {
      const { RemoteReports } = await import('./remote-reports.ts');
      return new RemoteReports(server);
    }),
    replays: loadedWhenCalled<Api['replays']>(async () => {
      const { RemoteReplays } = await import('./remote-replays.ts');
      return new RemoteReplays(server);
    }),
    daemon: loadedWhenCalled<Api['daemon']>(async () => {
      const { RemoteDaemon } = await import('./remote-daemon.ts');
      return new RemoteDaemon(server);
    }),
    diagnosis: loadedWhenCalled<Api['diagnosis']>(async () => {
      const { RemoteDiagnosis } = await import('./remote-daemon.ts');
      return new RemoteDiagnosis(server);
    }),
    audit: loadedWhenCalled<Api['audit']>(async () => {
      const { RemoteAudit } = await import('./remote-audit.ts');
      return new RemoteAudit(server);
    }),
    askAs: (secret) => {
      server.secret = secret;
    },
    serverVersion: () => server.serverVersion,
    clockAhead: () => server.clockAhead,
    takeWarnings: () => server.takeWarnings(),
    isQuiet: () => server.isQuiet,
    reach: async () => {
      const { reachServer } = await import('./remote-users.ts');
      return reachServer(server);
    },
    outlast: (ask, signal) => server.outage.value(ask, signal),
    onOutage: (listener) => {
      server.outage.listener = listener;
    },
    close: () => server.close(),
  };
}
