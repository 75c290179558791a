import { createApi, type Api } from '../../src/core/api.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { Outside } from '../../src/core/outside.ts';
import type { Store } from '../../src/core/store.ts';
import { createRemoteApi, type RemoteApi } from '../../src/http/client/remote-api.ts';
import { ApiServer } from '../../src/http/server/api-server.ts';
import { allHandlers } from '../../src/http/server/handlers/all-handlers.ts';
import type { PageServer } from '../../src/http/server/page-server.ts';
import { outsideOf } from './stores.ts';

/** A server over a store, on a port of this machine, and what asks it. */
export interface TestServer {
  readonly url: string;
  readonly local: Api;
  /** A client; each has connections of its own. */
  client(): RemoteApi;
  close(): Promise<void>;
}

/** @param outside what use cases are given besides. @param page absent: there is no page at `/`. */
export async function serveStore(
  store: Store,
  clock: Clock,
  outside: Partial<Outside> = {},
  page?: PageServer,
): Promise<TestServer> {
  const local = createApi({ ...outsideOf(store, clock), ...outside });
  const server = new ApiServer({
    handlers: allHandlers('0.0.0'),
    ...(page === undefined ? {} : { page }),
    apiFor: (address) =>
      createApi({
        ...outsideOf(store, clock, { userName: 'captures', hostName: 'server', pid: 1, address }),
        ...outside,
      }),
    onBug: (error) => {
      throw error;
    },
  });
  const port = await server.listen('127.0.0.1', 0);
  const url = `http://127.0.0.1:${port}`;
  const clients: RemoteApi[] = [];
  return {
    url,
    local,
    client: () => {
      const client = createRemoteApi({ url, version: '0.0.0' });
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.close();
      await server.close();
    },
  };
}
