import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import { counted, formatBytes } from '../../core/units.ts';
import type { ImportEvent } from '../../core/workloads/workload-import.ts';
import { captureNoun } from '../render/captures.ts';
import { fullName } from '../render/full-name.ts';
import { originText } from '../render/origins.ts';
import type { Context } from '../runtime/context.ts';
import { defineCommand } from './command.ts';

/** What takes longer than this shows its progress. */
const PROGRESS_AFTER_MS = 1_000;
const CLEAR_LINE = '\r\u001b[K';

interface Options {
  readonly file: string;
  readonly env?: string;
  readonly name?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument('<file>', 'what captures export wrote; - for stdin')
      .option('--env <environment>', 'where it goes (default: the environment of the same name)')
      .option('--name <name>', 'its name here (default: the name it has)'),
  help: `Makes a capture of a file that captures export wrote, on this or another machine. Every checksum and
every record is verified before it is visible; if anything is wrong, nothing is stored. The capture is
over and yours, and report, workload, verify, metrics and delete work on it as on any other; get says
where it was recorded. Its metrics are those in the file: no server and no AWS is asked.

The environment need not have a server: captures env create NAME is enough to keep captures of others.

Examples:
  captures import friday.captures.tar
  captures import friday.captures.tar --env staging --name friday-prod
  ssh db1 captures export friday --to - | captures import -`,
  prints: captureNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const { file, env = null, name = null } = options;
  const { signals } = context.world;
  const actor = await context.actor();
  const archive = await bytesOf(file, context);
  const progress = new ImportProgress(context);
  const request = { environment: env, name };
  const { capture, origin, verification } = await resultOf(
    context.api.transfers.import(actor, archive, request, signals.interrupted),
    progress.show,
  )
    .finally(() => progress.clear())
    .catch((error: unknown) => {
      throw named(error, file);
    });
  await context.printOne(captureNoun, capture);
  const { server } = verification.manifest ?? { server: null };
  await context.note(
    `Imported ${fullName(capture)}, recorded as ${originText(origin, server)}: ${counted(capture.records ?? 0, 'record')}. ${verification.result.line}`,
  );
}

/** A refused archive with the name of its file, which only the command knows. */
function named(error: unknown, file: string): unknown {
  if (!(error instanceof AppError) || file === '-') return error;
  const { code, message, hint } = error;
  if (hint === null || typeof hint === 'string' || hint.code !== 'give_an_export') return error;
  return new AppError(code, `${file}: ${message}`, { hint, cause: error });
}

/** @throws AppError `invalid` for a file that is not there, or is none. */
async function bytesOf(file: string, context: Context): Promise<AsyncIterable<Uint8Array>> {
  const { stdin, signals, cwd } = context.world;
  if (file === '-') {
    if (!stdin.isTTY) return stdin.chunks(signals.interrupted);
    throw new AppError('invalid', 'There is nothing on stdin: it is a terminal', {
      hint: 'Name a file, or pipe one: captures import - < friday.captures.tar',
    });
  }
  const path = resolve(cwd, file);
  const found = await stat(path).catch(() => null);
  if (found === null) throw new AppError('invalid', `There is no file ${file}`);
  if (found.isDirectory()) {
    throw new AppError('invalid', `${file} is a folder`, {
      hint: 'Name the file that captures export wrote.',
    });
  }
  return read(path, file, signals.interrupted);
}

async function* read(path: string, file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: 1024 * 1024, signal }) as AsyncIterable<Buffer>;
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const why = code === 'EACCES' ? 'no permission' : code;
    throw new AppError('invalid', `Cannot read ${file}: ${why}`, { cause: error });
  }
}

/** Shows how far an import has come, on a terminal, once it takes a while. */
class ImportProgress {
  readonly #context: Context;
  readonly #isShown: boolean;
  readonly #shownFrom: number;
  #isDrawn = false;

  constructor(context: Context) {
    this.#context = context;
    this.#shownFrom = context.now() + PROGRESS_AFTER_MS;
    this.#isShown = context.world.stderr.isTTY && !context.options.quiet;
  }

  readonly show = (event: ImportEvent): void => {
    if (!this.#isShown || this.#context.now() < this.#shownFrom) return;
    this.#isDrawn = true;
    const line =
      event.type === 'unpacked'
        ? `read ${formatBytes(event.bytes)}`
        : `verified ${counted(event.records, 'record')}`;
    // Progress that cannot be written is not an error.
    this.#context.world.stderr.write(`${CLEAR_LINE}${line}`).catch(() => undefined);
  };

  async clear(): Promise<void> {
    if (this.#isDrawn) await this.#context.world.stderr.write(CLEAR_LINE);
  }
}
