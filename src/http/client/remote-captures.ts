import type { Actor } from '../../core/access.ts';
import type { Api } from '../../core/api.ts';
import { isOver } from '../../core/captures/capture.ts';
import type { CaptureRequest } from '../../core/captures/capture-timing.ts';
import type { PreparationOptions } from '../../core/captures/preparation.ts';
import { getCapture } from '../contract/capture-lookup-routes.ts';
import {
  createCapture,
  deleteCapture,
  editCapture,
  endCapture,
  firstValuesOfCapture,
  giveUpCapture,
  liveFactsOfCapture,
  planCapture,
  recordCapture,
  stopCapture,
  valueCountsOfCapture,
  waitForCapture,
  watchCapture,
} from '../contract/capture-routes.ts';
import {
  deleteCapturesOfEnvironment,
  nameCaptures,
  planPrune,
  pruneCaptures,
} from '../contract/capture-upkeep-routes.ts';
import type { InputOf } from '../contract/route.ts';
import type { Connection } from './connection.ts';
import { byId } from './lasting-capture.ts';
import { inPath as of, RemoteCaptureLookups } from './remote-capture-lookups.ts';

type Captures = Api['captures'];

/** `CaptureService` on a server. Who asks is known there by the secret; the actors given here are not. */
export class RemoteCaptures extends RemoteCaptureLookups implements Captures {
  readonly #server: Connection;

  constructor(server: Connection) {
    super(server);
    this.#server = server;
  }

  named: Captures['named'] = (_actor, typed, statuses, limit, type) =>
    this.#server.list(nameCaptures, {
      query: {
        typed,
        limit,
        ...(statuses === null ? {} : { status: [...statuses] }),
        ...(type == null ? {} : { type }),
      },
    });

  plan: Captures['plan'] = (_actor, request, signal) =>
    this.#server.progress(planCapture, { body: request }, signal);

  create(
    _actor: Actor,
    request: CaptureRequest,
    options: Partial<PreparationOptions> = {},
    signal?: AbortSignal,
  ): ReturnType<Captures['create']> {
    const query = howToPrepare(options);
    return this.#server.progress(createCapture, { query, body: request }, signal);
  }

  record: Captures['record'] = (_actor, request, options, signal) =>
    this.#server.progress(recordCapture, { query: howToPrepare(options), body: request }, signal);

  /** Where the signal ends it: the counts by then; null where they cannot be had any more. */
  firstValues: Captures['firstValues'] = async (_actor, ref, signal) => {
    const began = performance.now();
    try {
      return await this.#server.value(firstValuesOfCapture, of(ref), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      const forMs = Math.round(performance.now() - began);
      const counts = await this.#server
        .value(valueCountsOfCapture, of(ref))
        // The program ends, and with it the connection.
        .catch(() => null);
      return counts === null ? null : { counts, forMs };
    }
  };

  valueCounts: Captures['valueCounts'] = (_actor, ref) =>
    this.#server.value(valueCountsOfCapture, of(ref));

  live: Captures['live'] = (_actor, ref) => this.#server.value(liveFactsOfCapture, of(ref));

  watch: Captures['watch'] = (_actor, ref, signal) =>
    byId(this.#server, ref, signal, (id) => this.#server.progress(watchCapture, of(id), signal));

  wait: Captures['wait'] = (_actor, ref, until, signal) =>
    byId(this.#server, ref, signal, (id) =>
      this.#server.progress(waitForCapture, { ...of(id), query: { until } }, signal),
    );

  stop: Captures['stop'] = (_actor, ref, { reason, waits }, signal) =>
    byId(this.#server, ref, signal, (id) => {
      const asked = { ...of(id), query: { wait: waits, ...because(reason) } };
      const ask = () => this.#server.attempt(stopCapture, asked, signal);
      let isAgain = false;
      return this.#server.outage.run(() => {
        const isFirst = !isAgain;
        isAgain = true;
        return isFirst ? ask() : this.#stopUnlessStopped(id, waits, ask, signal);
      }, signal);
    });

  /** Where the answer was lost: it may be stopped already, and to ask for that twice is a conflict. */
  async *#stopUnlessStopped(
    ref: string,
    waits: boolean,
    ask: () => ReturnType<Captures['stop']>,
    signal: AbortSignal,
  ): ReturnType<Captures['stop']> {
    const capture = await this.#server.value(getCapture, { ...of(ref), query: {} }, signal);
    if (capture.status !== 'STOPPING' && !isOver(capture.status)) return yield* ask();
    if (!waits) return capture;
    return yield* this.#server.attempt(
      waitForCapture,
      { ...of(ref), query: { until: 'over' } },
      signal,
    );
  }

  giveUp: Captures['giveUp'] = (_actor, ref, reason, signal) =>
    this.#server.progress(giveUpCapture, { ...of(ref), query: because(reason) }, signal);

  /** To ask for it twice is as good as once. */
  end: Captures['end'] = (_actor, ref, reason, signal) =>
    byId(this.#server, ref, signal, (id) =>
      this.#server.outage.run(
        () => this.#server.attempt(endCapture, { ...of(id), query: because(reason) }, signal),
        signal,
      ),
    );

  edit: Captures['edit'] = (_actor, ref, edit) =>
    this.#server.progress(editCapture, { ...of(ref), body: edit });

  delete: Captures['delete'] = (_actor, ref, { reason, keepsWorkload }, signal) =>
    this.#server.progress(
      deleteCapture,
      { ...of(ref), query: { keepWorkload: keepsWorkload, ...because(reason) } },
      signal,
    );

  deleteAllOf: Captures['deleteAllOf'] = (_actor, environment, signal) =>
    this.#server.progress(deleteCapturesOfEnvironment, { params: { environment } }, signal);

  planPrune: Captures['planPrune'] = (_actor, { olderThan, keep, environment }) =>
    this.#server.value(planPrune, {
      query: {
        olderThan,
        ...(keep === null ? {} : { keep }),
        ...(environment === null ? {} : { env: environment }),
      },
    });

  prune: Captures['prune'] = (_actor, captureIds, reason, signal) =>
    this.#server.value(pruneCaptures, { body: { captureIds: [...captureIds], reason } }, signal);
}

function because(reason: string | null): { reason?: string } {
  return reason === null ? {} : { reason };
}

function howToPrepare({
  approved = [],
  waitsForLog = false,
}: Partial<PreparationOptions>): InputOf<typeof createCapture>['query'] {
  return {
    ...(approved.length === 0 ? {} : { approved: [...approved] }),
    ...(waitsForLog ? { waitForLog: true } : {}),
  };
}
