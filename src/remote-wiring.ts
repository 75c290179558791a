/** Where the program is put together over a server's store in place of one here: the library has none of it. */
import type { ConnectionOptions } from './http/client/connection.ts';
import type { OutageNews } from './http/client/outage.ts';
import type { RemoteApi } from './http/client/remote-api.ts';

export type { ConnectionOptions, RemoteApi, OutageNews };

/** The use cases on a server, over HTTP. Connects at the first call. */
export async function connectToServer(options: ConnectionOptions): Promise<RemoteApi> {
  const { createRemoteApi } = await import('./http/client/remote-api.ts');
  return createRemoteApi(options);
}
