import type { CallLog } from '../../core/audit/call-log.ts';
import { AppError, isAppError, messageOf } from '../../core/errors.ts';
import { ApiServer } from '../../http/server/api-server.ts';
import {
  expiresSoon,
  readCertificate,
  type CheckedCertificate,
} from '../../http/server/certificate.ts';
import type { Answered } from '../../http/server/dispatch.ts';
import { allHandlers } from '../../http/server/handlers/all-handlers.ts';
import { HeavyQueue } from '../../http/server/heavy-queue.ts';
import { HeavyRunner } from '../../http/server/heavy-runner.ts';
import { createPageServer, type PageServer } from '../../http/server/page-server.ts';
import { RateLimit, ShareLimit, StrangerLimit } from '../../http/server/rate-limit.ts';
import { WriteGate } from '../../http/server/write-gate.ts';
import { programVersion } from '../../package.ts';
import { BRIEF_PATIENCE_MS, type Wiring } from '../../wiring.ts';
import { splitFirstLine } from '../input/first-line.ts';
import { urlOf } from '../input/listen-addresses.ts';
import { readPageParts } from '../output/page-parts.ts';
import type { ServeReport, ServeRequest } from '../runtime/api-process.ts';
import type { Context } from '../runtime/context.ts';
import { daemonLog, stackOf, type DaemonLog } from '../runtime/daemon-lines.ts';
import { wiringOfDaemon, type RequestOfDaemon } from '../runtime/daemon-wiring.ts';
import { startRequestProcess } from '../runtime/request-process.ts';
import { defineCommand } from './command.ts';

/** Twice of what the API has to be able to answer on one core: it keeps one user from being all there is. */
const RATE = { perSecond: 1_000, burst: 3_000 };
/** Nobody who works has so many wrong credentials. */
const STRANGERS = { perSecond: 20, burst: 300 };
const MOST_STREAMS_OF_ONE = 50;
/** What its processes take of memory together is in docs/systemd.md. */
const HEAVY = {
  working: 3,
  workingOfOne: 2,
  running: 12,
  runningOfOne: 4,
  goingOn: 8,
  goingOnOfOne: 3,
  waiting: 200,
  waitingOfOne: 100,
};
/** They last as long as what they repeat: nobody waits for one, and they take no place from reports. */
const REPLAYS = {
  working: 2,
  workingOfOne: 1,
  running: 2,
  runningOfOne: 1,
  goingOn: 0,
  goingOnOfOne: 0,
  waiting: 0,
  waitingOfOne: 0,
};
/** For the end of a replay: what was under way is broken off, and its result written. */
const REPLAY_PATIENCE_MS = 10_000;
/** Of everything else: all of it is done by one thread, and nobody waits for more than a few requests of each other user. */
const TURNS = {
  working: 16,
  workingOfOne: 4,
  running: 1_000,
  runningOfOne: 1_000,
  goingOn: 0,
  goingOnOfOne: 0,
  waiting: 1_000,
  waitingOfOne: 1_000,
};
/** A database may be slow, or somebody's who means harm: what it says is read in this process. */
const LOOKS = {
  working: 32,
  workingOfOne: 8,
  running: 32,
  runningOfOne: 8,
  goingOn: 0,
  goingOnOfOne: 0,
  waiting: 200,
  waitingOfOne: 50,
};
/** Requests in hand are answered for so long when the server is told to end. */
const PATIENCE_MS = 5_000;
const HOUR_MS = 3_600_000;

export const command = defineCommand<object>({
  help: `For the daemon: serves the API until its standard input ends. To serve it:
captures daemon --listen HOST:PORT

Examples:
  captures daemon --listen 127.0.0.1:8080`,
  prints: null,
  run,
});

/** Runs in a process of its own, which the daemon has started: see `ApiProcess`. */
async function run(_options: object, context: Context): Promise<void> {
  const { stdin, stdout, signals } = context.world;
  context.leaveStderrToLog();
  const stopped = new AbortController();
  let renew = (): void => undefined;
  const stopListening = signals.listen((signal) => {
    if (signal === 'SIGHUP') renew();
    else stopped.abort();
  });
  const report = (line: ServeReport): Promise<void> => stdout.write(`${JSON.stringify(line)}\n`);
  try {
    const read = stdin.isTTY ? null : await splitFirstLine(stdin.chunks(stopped.signal));
    const request = read === null ? null : readRequest(read.line);
    if (read === null || request === null) {
      throw new AppError('invalid', 'This is for the daemon; to serve: captures daemon --listen');
    }
    // It ends when it is told to, and when the daemon does, however that dies.
    const gone = endOf(read.rest);
    let serving: Serving | null;
    try {
      serving = await Promise.race([Serving.start(request, context), gone.then(() => null)]);
    } catch (error) {
      if (!isAppError(error)) throw error;
      const { code, message, hint } = error;
      await report({ is: 'failed', code, message, hint: typeof hint === 'string' ? hint : null });
      return;
    }
    if (serving !== null) {
      const { url, port } = serving;
      renew = () => void serving.renew();
      await report({ is: 'listening', url, port });
      await gone;
      await serving.end();
    }
    if (serving === null || serving.isReading) context.world.endAtOnce();
  } finally {
    stopped.abort();
    stopListening();
  }
}

/** Resolves when a stream ends, or is closed; nothing is to come on it. */
async function endOf(stream: AsyncIterable<Uint8Array>): Promise<void> {
  const reading = stream[Symbol.asyncIterator]();
  try {
    while ((await reading.next()).done !== true);
  } catch {
    // It was closed.
  }
}

/** The server with its certificate. */
class Serving {
  readonly #request: ServeRequest;
  readonly #context: Context;
  readonly #log: DaemonLog;
  readonly #server: ApiServer;
  readonly #watch: NodeJS.Timeout;
  #certificate: CheckedCertificate | null;
  /** Days left when it was last warned of. */
  #warnedOf: number | null = null;
  #isReading = false;
  #isToReadAgain = false;
  readonly #wiring: Wiring;
  readonly #calls: CallLog;
  readonly #ending = new AbortController();
  readonly #noting: Promise<void>;
  port = 0;

  private constructor(
    request: ServeRequest,
    context: Context,
    certificate: CheckedCertificate | null,
    page: PageServer,
  ) {
    this.#request = request;
    this.#context = context;
    this.#log = daemonLog(context.world, request.logLevel);
    this.#certificate = certificate;
    const { world, paths } = context;
    const wiring = wiringOfDaemon(world, paths, request.credentials, request.daemonPid);
    this.#wiring = wiring;
    wiring.waitBriefly();
    // Opened now: a store that cannot be used is said before the daemon has begun.
    wiring.apiFor('');
    this.#calls = wiring.callLog();
    this.#noting = this.#calls.run(this.#ending.signal);
    const { credentials, daemonPid } = request;
    const about: RequestOfDaemon = { credentials, daemonPid };
    this.#server = new ApiServer({
      version: programVersion(),
      handlers: allHandlers(programVersion()),
      apiFor: (address) => wiring.apiFor(address),
      proxyHeader: request.proxyHeader,
      page,
      ...(this.#certificate === null ? {} : { certificate: this.#certificate }),
      limits: {
        rate: new RateLimit(RATE),
        strangers: new StrangerLimit(new RateLimit(STRANGERS)),
        streams: new ShareLimit(MOST_STREAMS_OF_ONE),
      },
      writes: new WriteGate(() => wiring.tryWrite(), BRIEF_PATIENCE_MS, context.world.clock),
      heavy: new HeavyRunner(new HeavyQueue(HEAVY), () => startRequestProcess(), about),
      replays: new HeavyRunner(
        new HeavyQueue(REPLAYS, 'replays'),
        () => startRequestProcess(REPLAY_PATIENCE_MS),
        about,
      ),
      turns: new HeavyQueue(TURNS, 'requests'),
      looks: new HeavyQueue(LOOKS, 'requests that ask a database or CloudWatch'),
      onBug: (error) => this.#log('error', 'unexpected error', { stack: stackOf(error) }),
      onAnswered: (answered) => this.#note(answered),
    });
    this.#watch = setInterval(() => this.#warn(), HOUR_MS);
  }

  /** @throws AppError where it cannot listen, and for a certificate that cannot be used. */
  static async start(request: ServeRequest, context: Context): Promise<Serving> {
    const page = createPageServer(await readPageParts('api-page'));
    const serving = new Serving(request, context, await read(request, context), page);
    const { host, port } = request.listen;
    try {
      serving.port = await serving.#server.listen(host, port);
    } catch (error) {
      clearInterval(serving.#watch);
      serving.#ending.abort();
      throw cannotListen(error as NodeJS.ErrnoException, urlOf(request.listen, false).slice(7));
    }
    serving.#warn();
    return serving;
  }

  get url(): string {
    const { listen, tls } = this.#request;
    return urlOf({ ...listen, port: this.port }, tls !== null);
  }

  /** Whether a certificate is being read, which nothing can end: it would hold the process. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** Reads the certificate again; one that cannot be used is not taken. Never throws. */
  async renew(): Promise<void> {
    this.#isToReadAgain = true;
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#isToReadAgain) {
      this.#isToReadAgain = false;
      await this.#renew();
    }
    this.#isReading = false;
  }

  async #renew(): Promise<void> {
    try {
      this.#certificate = await read(this.#request, this.#context);
    } catch (error) {
      this.#log('error', 'the certificate stays as it was', { message: messageOf(error) });
      return;
    }
    if (this.#certificate === null) return;
    this.#server.renew(this.#certificate);
    const validUntil = new Date(this.#certificate.validUntil).toISOString();
    this.#log('info', 'certificate read again', { validUntil });
    this.#warnedOf = null;
    this.#warn();
  }

  async end(): Promise<void> {
    clearInterval(this.#watch);
    await this.#server.close(PATIENCE_MS);
    this.#ending.abort();
    await this.#noting;
    this.#wiring.close();
  }

  /** Once a day. */
  #warn(): void {
    const days =
      this.#certificate === null ? null : expiresSoon(this.#certificate, this.#context.now());
    if (days === null || days === this.#warnedOf) return;
    this.#warnedOf = days;
    this.#log('warn', 'the certificate expires soon', {
      days,
      validUntil: new Date(this.#certificate?.validUntil ?? 0).toISOString(),
    });
  }

  #note(answered: Answered): void {
    this.#calls.note(answered);
    const { method, path, address, actor, status, took } = answered;
    this.#log((status ?? 0) >= 500 ? 'warn' : 'debug', 'request', {
      method,
      path,
      status,
      ms: Math.round(took),
      user: actor?.userName ?? null,
      address,
    });
  }
}

async function read({ tls }: ServeRequest, context: Context): Promise<CheckedCertificate | null> {
  return tls === null ? null : readCertificate(tls, context.now());
}

const WHY: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'no such host name is known',
  EAI_AGAIN: 'the host name cannot be looked up',
};

function cannotListen(error: NodeJS.ErrnoException, address: string): AppError {
  const { code = '', message } = error;
  if (code === 'EADDRINUSE') {
    return new AppError('conflict', `Another program listens on ${address}`, {
      hint: 'End it, or choose another port with --listen.',
    });
  }
  if (code === 'EACCES') {
    return new AppError('store_unusable', `No permission to listen on ${address}`, {
      hint: 'Ports below 1024 are for root: choose a higher one, or give the right to (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE).',
    });
  }
  return new AppError('store_unusable', `Cannot listen on ${address}: ${WHY[code] ?? message}`);
}

/** null for what no daemon writes: a user tries the command by hand. */
function readRequest(line: string): ServeRequest | null {
  try {
    const request = JSON.parse(line) as Partial<ServeRequest> | null;
    return typeof request?.listen === 'object' ? (request as ServeRequest) : null;
  } catch {
    return null;
  }
}
