import { open, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { AppError, isAppError } from '../../core/errors.ts';
import { isReplayReport, readReplayReport } from '../../core/replays/replay-report-reader.ts';
import type { ReplayReport } from '../../core/replays/replay-report.ts';
import { readReport } from '../../core/reports/report-reader.ts';
import type { Report } from '../../core/reports/report.ts';
import type { Context } from '../runtime/context.ts';
import type { World } from '../runtime/world.ts';

/** Three times the report of the largest workload: 20,000 digests. */
const LARGEST_BYTES = 128 * 1024 * 1024;

/** Stands for stdin. */
export const STDIN = '-';

/**
 * What a word means: a file with a report, or a capture. `-`, a path that begins as one and what ends in .json are
 * files, and so is any other file that is there, unless there is a capture of its name: then it is that one, and
 * `hides_file`.
 */
export async function meaningOf(
  word: string,
  context: Context,
): Promise<'file' | 'capture' | 'hides_file'> {
  if (word === STDIN || /\.json$/i.test(word) || /^(\.{0,2}|~)\//.test(word)) return 'file';
  const found = await stat(resolve(context.world.cwd, word)).catch(() => null);
  if (found === null || found.isDirectory()) return 'capture';
  try {
    await context.api.captures.get(await context.actor(), word);
    return 'hides_file';
  } catch (error) {
    if (!isAppError(error)) throw error;
    return 'file';
  }
}

/** What a file has: the report of a capture, or that of a replay. */
export type ReportInFile =
  | { readonly type: 'capture'; readonly report: Report }
  | { readonly type: 'replay'; readonly replay: ReplayReport };

/**
 * The report in a file that `report --json` has written.
 * @throws AppError `invalid` in one sentence for what cannot be read, and for what is no report.
 */
export async function readReportFile(
  path: string,
  world: Pick<World, 'stdin' | 'cwd' | 'signals'>,
): Promise<ReportInFile> {
  const where = path === STDIN ? 'stdin' : basename(path);
  const bytes =
    path === STDIN
      ? await collected(world.stdin.chunks(world.signals.interrupted))
      : await bytesOf(path, world.cwd);
  if (bytes.length > LARGEST_BYTES) {
    throw new AppError('invalid', `${where} is larger than ${LARGEST_BYTES / 1024 ** 2} MiB`, {
      hint: { code: 'make_report' },
    });
  }
  const value = parsed(bytes, where);
  return isReplayReport(value)
    ? { type: 'replay', replay: readReplayReport(value, where) }
    : { type: 'capture', report: readReport(value, where) };
}

async function bytesOf(path: string, cwd: string): Promise<Uint8Array> {
  try {
    const file = await open(resolve(cwd, path), 'r');
    try {
      return await collected(file.createReadStream({ autoClose: false }));
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new AppError(
      'invalid',
      UNREADABLE[code ?? '']?.(path) ?? `Cannot read ${path}: ${code ?? String(error)}`,
      {
        hint: code === 'ENOENT' ? { code: 'make_report' } : null,
        cause: error,
      },
    );
  }
}

/** Pipes do not tell their size: as much is read as may be, and a little more. */
async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const kept: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    kept.push(chunk);
    bytes += chunk.length;
    if (bytes > LARGEST_BYTES) break;
  }
  return Buffer.concat(kept);
}

const UNREADABLE: Readonly<Record<string, (path: string) => string>> = {
  ENOENT: (path) => `There is no file ${path}`,
  ENOTDIR: (path) => `There is no file ${path}`,
  EISDIR: (path) => `${path} is a folder`,
  EACCES: (path) => `No permission to read ${path}`,
};

function parsed(bytes: Uint8Array, where: string): unknown {
  if (bytes.length === 0) {
    throw new AppError('invalid', `${where} is empty: it is no report`, {
      hint: { code: 'make_report' },
    });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const isReport = textOf(bytes.subarray(0, 512)).includes('"captures-report"');
    // A report is one object.
    const isCut = !textOf(bytes.subarray(-512)).trimEnd().endsWith('}');
    const what = isCut ? 'it ends too early' : 'it is not valid JSON';
    throw new AppError(
      'invalid',
      isReport
        ? `${where} is a damaged report: ${what}`
        : `${where} is not a report: it is no JSON`,
      { hint: { code: 'make_report' }, cause: error },
    );
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
