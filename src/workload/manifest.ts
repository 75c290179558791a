import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import { diskFailure, isMissing } from './disk-errors.ts';
import type { Manifest, ReadablePosition } from '../core/workloads/workload.ts';
import {
  isCount,
  isFlag,
  isList,
  isListOrNull,
  isObject,
  isText,
  isTextOrNull,
  listOf,
  orNull,
  shaped,
  type Check,
} from './json-shapes.ts';
import { openToRead, syncFolder } from './segment-files.ts';

export const MANIFEST_FILE = 'manifest.json';
/** Grows when a reader of this version could misread what is written. */
const FORMAT_VERSION = 1;
const FORMAT = 'captures-workload';
/** Of 100,000 sessions at both ends it has some 30 MB. */
const LARGEST_MANIFEST = 128 * 1024 * 1024;

/** A manifest without what this module knows by itself. */
export type ManifestContent = Omit<Manifest, 'format' | 'formatVersion'>;

/**
 * Replaces the manifest of a workload: a reader sees the old one or the new one, whole, also
 * after a power loss.
 * @param mode of the file: 0600, or 0660 in a shared store.
 * @throws AppError `store_unusable` when it cannot be written; the old one is still there then.
 */
export async function writeManifest(
  dir: string,
  content: ManifestContent,
  mode = 0o600,
): Promise<void> {
  const manifest: Manifest = { format: FORMAT, formatVersion: FORMAT_VERSION, ...content };
  const path = join(dir, MANIFEST_FILE);
  const draft = join(dir, `.${MANIFEST_FILE}-${randomUUID()}`);
  try {
    const file = await open(draft, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    await syncFolder(dir);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw diskFailure(error, 'write', path);
  }
}

/**
 * Reads the manifest of a workload.
 * @throws AppError `not_found` when there is none; `store_unusable` when it is unreadable, damaged,
 *   another program's, or of a newer version of this one.
 */
export async function readManifest(dir: string): Promise<Manifest> {
  const path = join(dir, MANIFEST_FILE);
  let text: string;
  try {
    const file = await openToRead(path);
    try {
      const { size } = await file.stat();
      if (size > LARGEST_MANIFEST) {
        throw new AppError('store_unusable', `${path} is damaged: it is too large for a manifest`);
      }
      text = await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) {
      throw new AppError('not_found', `There is no workload in ${dir}`, { cause: error });
    }
    throw diskFailure(error, 'read', path);
  }
  return parseManifest(text, path);
}

/**
 * @param path what it is called in the failure.
 * @throws AppError `store_unusable` as `readManifest` does.
 */
export function parseManifest(text: string, path: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError('store_unusable', `${path} is damaged: it is not JSON`, { cause: error });
  }
  if (!isObject(value) || value['format'] !== FORMAT) {
    throw new AppError('store_unusable', `${path} is not the manifest of a workload`);
  }
  const version = value['formatVersion'];
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    throw new AppError(
      'store_unusable',
      `${path} was written by a newer version of captures (format ${version}; this one reads ${FORMAT_VERSION})`,
      { hint: 'Use the version that recorded it, or a newer one.' },
    );
  }
  const wrong = whatIsWrong(value);
  if (wrong !== null) throw new AppError('store_unusable', `${path} is damaged: ${wrong}`);
  return value as unknown as Manifest;
}

/**
 * Puts the gaps of a recording that ended early into its manifest. Never throws: the store has them, and a
 * manifest that cannot be written is that of before.
 * @param facts the recording's, as JSON.
 */
export async function noteGaps(dir: string, facts: string, mode = 0o600): Promise<void> {
  try {
    const { gaps } = JSON.parse(facts) as Pick<Manifest, 'gaps'>;
    await writeManifest(dir, { ...(await readManifest(dir)), gaps }, mode);
  } catch {
    // Nothing was recorded yet, or the disk is what it failed for.
  }
}

/** How far a workload can be read by its manifest alone; null when it holds no record. */
export function readablePosition(manifest: Manifest): ReadablePosition | null {
  const last = manifest.segments.at(-1);
  return last === undefined ? null : { segment: last.segment, offset: last.bytes };
}

const isEdge = orNull(shaped({ time: isText, generation: isCount, gtid: isTextOrNull }));

const isRecycled = shaped({
  since: isText,
  ended: isCount,
  left: isCount,
  isOver: isFlag,
  sessions: listOf(isObject),
});

const FIELDS: Record<Exclude<keyof Manifest, 'format'>, Check> = {
  formatVersion: (value) => value === FORMAT_VERSION,
  program: shaped({ name: isText, version: isText }),
  complete: isFlag,
  capture: shaped({ id: isCount, name: isText }),
  environment: shaped({ id: isCount, name: isText }),
  options: (value) => value === undefined || isObject(value),
  heard: (value) => value == null || isObject(value),
  server: shaped({
    flavor: isText,
    version: isText,
    uuid: isTextOrNull,
    hostname: isText,
    port: isCount,
  }),
  settingsBefore: isObject,
  start: isEdge,
  end: isEdge,
  sessionsAtStart: isList,
  sessionsAtEnd: isListOrNull,
  transactionsAtStart: isList,
  transactionsAtEnd: isListOrNull,
  segments: listOf(
    shaped({
      segment: isCount,
      file: isText,
      records: isCount,
      text: isCount,
      bytes: isCount,
      firstTime: isTextOrNull,
      lastTime: isTextOrNull,
      sha256: isText,
    }),
  ),
  counters: shaped({
    records: isCount,
    statements: isCount,
    byKind: isObject,
    byFlag: isObject,
    sessions: isCount,
    skipped: isObject,
  }),
  gaps: listOf(
    shaped({
      from: isTextOrNull,
      to: isTextOrNull,
      cause: isText,
      reason: isText,
      afterSeq: isCount,
      missing: orNull(isCount),
    }),
  ),
  warnings: listOf(isText),
  recycled: (value) => value === undefined || isRecycled(value),
};

function whatIsWrong(manifest: Record<string, unknown>): string | null {
  for (const [name, check] of Object.entries(FIELDS)) {
    if (!check(manifest[name])) return `"${name}" is missing or not as it must be`;
  }
  return null;
}
