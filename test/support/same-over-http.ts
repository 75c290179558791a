import type { Outside } from '../../src/core/outside.ts';
import type { Progress } from '../../src/core/progress.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import type { RemoteApi } from '../../src/http/client/remote-api.ts';
import type { Api } from '../../src/core/api.ts';
import type { Actor } from '../../src/core/access.ts';
import { serveStore, type TestServer } from './api-server.ts';
import type { TestStore } from './stores.ts';

/** The same use cases in this process and over HTTP, for one user. */
export interface BothWays {
  readonly local: Api;
  readonly remote: RemoteApi;
  readonly server: TestServer;
  readonly secret: string;
}

export async function bothWays(
  test: TestStore,
  actor: Actor,
  outside: Partial<Outside> = {},
): Promise<BothWays> {
  const server = await serveStore(test.store, test.clock, outside);
  const { secret } = await new UserService(test.store, test.clock).createToken(actor, 'script');
  const remote = server.client();
  await remote.users.authenticate(secret);
  return { local: server.local, remote, server, secret };
}

/** What became of a use case: its events, then its result, or what it threw. */
export interface Outcome {
  readonly events: readonly unknown[];
  readonly result: unknown;
  readonly error: unknown;
}

export async function outcomeOf(run: Progress<unknown, unknown>): Promise<Outcome> {
  const events: unknown[] = [];
  try {
    for (;;) {
      const step = await run.next();
      if (step.done === true) return { events, result: step.value, error: null };
      events.push(step.value);
    }
  } catch (error) {
    return { events, result: null, error };
  }
}
