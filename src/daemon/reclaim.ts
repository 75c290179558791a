import { rm } from 'node:fs/promises';
import { AppError } from '../core/errors.ts';
import type { Gap } from '../core/workloads/gaps.ts';
import { NO_WINDOW } from '../core/workloads/workload.ts';
import type { Leftovers } from '../core/environments/server-inspection.ts';
import type { OpenSource, ServerSettings, Source } from '../core/source.ts';
import { WorkloadCounters } from '../workload/counters.ts';
import { writeManifest } from '../workload/manifest.ts';
import { namesIn } from '../workload/segment-files.ts';
import { SegmentWriter } from '../workload/segment-writer.ts';
import { LineSerialiser } from '../workload/statement-line.ts';
import { FileSpool } from '../workload/text-spool.ts';
import type { Reclaimed } from '../core/recovery/restorer.ts';
import type { ServerEnvironment } from '../core/environments/environment.ts';

interface ReclaimContext {
  readonly source: Source;
  /** Of the store that does it. */
  readonly storeId: string;
  readonly programVersion: string;
}

/**
 * Restores a server in the place of the recorder that left it switched on, from what that recorder
 * wrote on the server. Interrupted anywhere it can be called again: the marker goes last.
 * @param agreed what a look at the server found, and the user agreed to.
 * @param saveTo a folder for what is logged and not read, to become a workload; null to drop it.
 * @returns null when there was nothing left to restore.
 * @throws AppError `conflict` when a recorder runs there after all; `remote_failed`;
 *   `store_unusable` when the folder cannot be written.
 */
export async function reclaimServer(
  context: ReclaimContext,
  environment: ServerEnvironment,
  agreed: Leftovers,
  saveTo: string | null,
): Promise<Reclaimed | null> {
  const { source, storeId } = context;
  const asWhom = agreed.storeId ?? storeId;
  const server = await source.open(environment.server, asWhom, () => undefined);
  try {
    await server.lock([]);
    const { leftovers } = await source.inspect(environment.server, storeId);
    if (leftovers === null) return null;
    if (leftovers.storeId !== agreed.storeId || leftovers.lastSign !== agreed.lastSign) {
      throw new AppError('conflict', 'The recorder of this server has returned meanwhile', {
        hint: { code: 'look_at_server_again', environment: null },
      });
    }
    const { restoresTo: settings, lostSettings } = leftovers;
    server.attach({
      id: null,
      nonce: '',
      settings,
      readUpTo: leftovers.batch - 1,
      own: [],
      known: { warmSince: null, changedForRecycling: false, isRecycling: false },
    });
    let saved = 0;
    if (saveTo !== null) {
      if ((await server.state()).isFilling) await server.cut(false);
      saved = await save({ ...context, environment, settings }, server, saveTo);
    }
    const warnings = await server.stop();
    const isReturned = source.returnsStatements(settings);
    return {
      settings: await server.readSettings(),
      saved,
      returned: isReturned ? leftovers.statements : 0,
      dropped: isReturned || saveTo !== null ? 0 : leftovers.statements,
      warnings: lostSettings === null ? warnings : [lostSettings, ...warnings],
    };
  } finally {
    await server.close();
  }
}

/**
 * Makes sure that a folder can take statements.
 * @throws AppError `invalid` when there is something in it.
 */
export async function requireEmptyFolder(folder: string): Promise<void> {
  if ((await namesIn(folder)).length > 0) {
    throw new AppError('invalid', `The folder ${folder} is not empty`, {
      hint: 'Name one that is empty, or not there yet.',
    });
  }
}

/** Writes every batch as one workload; where there are no statements, the folder goes. @returns how many statements. */
async function save(
  context: ReclaimContext & { environment: ServerEnvironment; settings: ServerSettings },
  server: OpenSource,
  folder: string,
): Promise<number> {
  await requireEmptyFolder(folder);
  let totalRecords = 0;
  const writer = await SegmentWriter.open(folder, null);
  const spool = new FileSpool(folder);
  try {
    const lines = new LineSerialiser();
    const counters = new WorkloadCounters();
    const gaps: Gap[] = [];
    for (const batch of (await server.state()).unread) {
      const options = { skip: 0, since: null, spool };
      for await (const { statements, interruption } of server.read(batch, options)) {
        counters.add(statements);
        await writer.write(lines.tails(statements));
        if (interruption === null || interruption.cause === null) continue;
        const { cause, from, to, reason } = interruption;
        const place = { after: null, before: null, afterSeq: writer.seq, missing: null };
        gaps.push({ from, to, cause, reason, ...place });
      }
    }
    ({ totalRecords } = await writer.flush());
    if (totalRecords === 0) return 0;
    const { flavor, version, uuid, hostname, port } = server.server;
    const { id, name } = context.environment;
    await writeManifest(folder, {
      program: { name: 'captures', version: context.programVersion },
      complete: true,
      // Of no capture of any store that is at hand.
      capture: { id: 0, name: 'recovered' },
      environment: { id, name },
      server: { flavor, version, uuid, hostname, port },
      settingsBefore: context.settings,
      ...NO_WINDOW,
      segments: writer.segments(),
      counters: counters.counts(),
      gaps,
      warnings: [
        "What a recorder left on the server, saved by a recovery: the end of its captures' windows, of which its own store may hold the beginning of these statements already",
      ],
    });
    return totalRecords;
  } finally {
    await spool.close();
    await writer.close();
    if (totalRecords === 0) await rm(folder, { recursive: true, force: true });
  }
}
