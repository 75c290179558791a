import { hostname } from 'node:os';
import { systemClock } from '../../src/core/clock.ts';
import { ApiServer, type ServerOptions } from '../../src/http/server/api-server.ts';
import { HANDLERS } from '../../src/http/server/handlers/all-handlers.ts';
import { Wiring } from '../../src/wiring.ts';
import { CHEAP_HASH } from './users.ts';

/** A server of captures over the store of a home. */
export interface ServedHome {
  readonly port: number;
  /** `http://127.0.0.1:41234`, or the same with https. */
  readonly url: string;
  /** `127.0.0.1:41234`: how clients call it. */
  readonly name: string;
  /** The operations that were asked for. */
  readonly asked: readonly (string | null)[];
  close(): Promise<void>;
}

export async function serveHome(
  home: string,
  options: Pick<ServerOptions, 'version' | 'certificate'> = {},
): Promise<ServedHome> {
  const unexpected = (): never => {
    throw new Error('The test expects nothing of what is outside');
  };
  const machine = {
    clock: systemClock,
    env: {},
    userName: 'captures',
    hostName: hostname(),
    pid: process.pid,
    passwordCost: CHEAP_HASH,
    serverLogs: unexpected,
    isRunning: () => true,
    startDaemon: unexpected,
  };
  const asked: (string | null)[] = [];
  const wiring = new Wiring(machine, { store: home });
  const server = new ApiServer({
    ...options,
    handlers: HANDLERS,
    apiFor: () => wiring.api,
    onAnswered: ({ routeId }) => void asked.push(routeId),
    onBug: (error) => {
      throw error;
    },
  });
  const port = await server.listen('127.0.0.1', 0);
  const name = `127.0.0.1:${port}`;
  return {
    port,
    name,
    asked,
    url: `${options.certificate === undefined ? 'http' : 'https'}://${name}`,
    close: async () => {
      await server.close();
      wiring.close();
    },
  };
}
