import { resolve } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { resultOf } from '../../core/progress.ts';
import type {
  Verification,
  VerificationProgress,
} from '../../core/verification/verification-service.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { EXIT_STATUS } from '../runtime/exit-status.ts';
import { printedToAnyone } from '../runtime/world.ts';
import { LateProgress } from '../output/late-progress.ts';
import { counted } from '../../core/units.ts';
import { renderVerification, verificationNoun } from '../render/verification-report.ts';

interface Options {
  readonly capture?: string;
  readonly folder?: string;
  /** The least share of executes with values, from 0 to 1. */
  readonly minValues?: number;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    command
      .argument('[capture]', 'id, name, or environment/name')
      .option('--folder <path>', 'check a copy of a workload by its manifest alone')
      .option(
        '--min-values <percent>',
        'fail if fewer executes than this percentage have values',
        parsePercent,
      ),
  help: `Reads everything a capture recorded and checks that it is complete: checksums, order and counts of the
files, gaps, and the number of commands against the server's own counters at the start and at the
end. Behind a blank line comes the result:

  WHOLE            nothing is damaged, nothing the server received is missing
  NOT WHOLE        a gap, sessions that do not log, or a capture that FAILED
  DAMAGED          the files are not what was recorded
  STILL RECORDING  the capture runs; what is committed so far was checked

Rows left out by filters or samples are counted and are not missing. Three things are counted: records
are all rows of a session, from its login to its end; statements are the queries and executes among
them; commands are what the server counts in Questions: each statement, also of a text with several, a
change of the default database or of the user, and the end of a connection.

The result also says how many executes have values. On MariaDB, statements prepared before the server's
log was on are recorded with ? instead of values: they can be counted, not replayed. --min-values 95
fails if fewer than 95 % have values. See captures help values.

Exits 0 when the record is whole, and 8 when it is not, not yet, or lacks values.

Examples:
  captures verify friday
  captures verify friday --min-values 95
  captures verify shop/friday --json | jq .share
  captures verify --folder /backup/captures/7`,
  prints: verificationNoun,
  run,
});

async function run(options: Options, context: Context): Promise<number> {
  const { capture, folder, minValues = null } = options;
  if ((capture === undefined) === (folder === undefined)) {
    throw new AppError('invalid', 'Give either a capture or --folder', {
      hint: 'For example: captures verify friday',
    });
  }
  const progress = new LateProgress(context);
  const found = await resultOf(
    folder === undefined
      ? context.api.verification.verify(await context.actor(), capture ?? '', minValues)
      : context.wiring.verifyFolder(resolve(context.world.cwd, folder), minValues),
    (event) => progress.show(progressText(event)),
  ).finally(() => progress.clear());
  await printedToAnyone(print(found, context));
  const { whole, fewValues } = found.result;
  return whole && fewValues === null ? 0 : EXIT_STATUS.capture_failed;
}

async function print(found: Verification, context: Context): Promise<void> {
  if (!context.wantsReport) return context.printOne(verificationNoun, found);
  const view = { width: context.columns, zone: context.timeZone };
  await context.world.stdout.write(renderVerification(found, await context.paint(), view));
}

/** @returns a share from 0 to 1. @throws AppError `invalid`. */
function parsePercent(text: string): number {
  const percent = /^\s*(\d+(?:\.\d+)?)\s*%?\s*$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  if (percent !== undefined && share <= 1) return share;
  throw new AppError('invalid', `--min-values takes a number from 0 to 100, not "${text}"`, {
    hint: 'For example: captures verify friday --min-values 95',
  });
}

function progressText({ records, of }: VerificationProgress): string {
  const share = of === null || of === 0 ? '' : ` (${Math.floor((100 * records) / of)} %)`;
  return `verified ${counted(records, 'record')}${share}`;
}
