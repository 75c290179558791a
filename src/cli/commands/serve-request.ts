import { AppError } from '../../core/errors.ts';
import { createDispatch } from '../../http/server/dispatch.ts';
import { allHandlers } from '../../http/server/handlers/all-handlers.ts';
import { pipedExchange, type HeavyRequest } from '../../http/server/heavy-pipes.ts';
import type { Wiring } from '../../wiring.ts';
import { programVersion } from '../../package.ts';
import { splitFirstLine } from '../input/first-line.ts';
import type { Context } from '../runtime/context.ts';
import { daemonLog, stackOf } from '../runtime/daemon-lines.ts';
import { wiringOfDaemon, type RequestOfDaemon } from '../runtime/daemon-wiring.ts';
import { requestPipes } from '../runtime/request-process.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand<object>({
  help: `For the daemon: answers one request of the API that reads much. To serve the API:
captures daemon --listen HOST:PORT

Examples:
  captures daemon --listen 127.0.0.1:8080`,
  prints: null,
  run,
});

/** Runs in a process of its own, which the server of the API has started: see `HeavyRunner`. */
async function run(_options: object, context: Context): Promise<void> {
  const { stdin, signals } = context.world;
  const log = daemonLog(context.world, 'info');
  context.leaveStderrToLog();
  const ending = new AbortController();
  const gone = new AbortController();
  const over = new AbortController();
  const stopListening = signals.listen((signal) => {
    ending.abort();
    if (signal !== 'SIGTERM') gone.abort();
  });
  let own: Wiring | null = null;
  try {
    const read = stdin.isTTY ? null : await splitFirstLine(stdin.chunks(over.signal));
    const request = read === null ? null : readRequest(read.line);
    if (read === null || request === null) {
      throw new AppError('invalid', 'This is for the daemon; to serve: captures daemon --listen');
    }
    const wiring = (own = wiringFor(request, context)) ?? context.wiring;
    const dispatch = createDispatch({
      handlers: allHandlers(programVersion()),
      apiFor: (address) => wiring.apiFor(address),
      onBug: (error) => log('error', 'unexpected error', { stack: stackOf(error) }),
    });
    const pipes = requestPipes();
    const { signal } = gone;
    await dispatch(
      pipedExchange(request, {
        ...pipes,
        body: read.rest,
        ending: ending.signal,
        gone: signal,
      }),
    );
  } finally {
    // What was not read of the body would keep the process alive.
    over.abort();
    stopListening();
    own?.close();
  }
}

/** The store with what the daemon may use, which the server of its API says; null for that of this process. */
function wiringFor({ about }: HeavyRequest, { world, paths }: Context): Wiring | null {
  if (about === null || about === undefined) return null;
  const { credentials, daemonPid } = about as RequestOfDaemon;
  return wiringOfDaemon(world, paths, credentials, daemonPid);
}

/** null for what no server writes: a user tries the command by hand. */
function readRequest(line: string): HeavyRequest | null {
  try {
    const request = JSON.parse(line) as Partial<HeavyRequest> | null;
    return typeof request?.url === 'string' && typeof request.method === 'string'
      ? (request as HeavyRequest)
      : null;
  } catch {
    return null;
  }
}
