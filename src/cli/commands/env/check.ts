import type { Command } from 'commander';
import { AppError } from '../../../core/errors.ts';
import { coverageOf } from '../../../core/warm-ups/value-coverage.ts';
import { loaded } from '../../command.ts';
import { hintText } from '../../output/hints.ts';
import type { Context } from '../../runtime/context.ts';
import { EXIT_STATUS } from '../../runtime/exit-status.ts';
import { whyLogIsOff } from '../../log-switch.ts';
import { inspectServer, whyNotRecordable } from '../../preflight.ts';
import { inspectionNoun, renderInspection } from '../../render/inspection.ts';

export interface EnvCheckOptions {
  readonly environment: string;
}

export function registerEnvCheck(
  command: Command,
  run: (options: EnvCheckOptions) => Promise<void>,
): void {
  command
    .argument('<environment>', 'id or name')
    .addHelpText(
      'after',
      `
Connects and checks; changes nothing. Exits 0 if a capture could start now, 9 if not, 6 if another
recorder holds the server.

Examples:
  captures env check shop
  captures env check shop --json

JSON fields: ${inspectionNoun.fields.join(', ')}`,
    )
    .action((environment: string) => run({ environment }));
}

export async function runEnvCheck(options: EnvCheckOptions, context: Context): Promise<number> {
  context.checkFields(inspectionNoun);
  const actor = await context.actor();
  const { store } = context;
  const environment = await context.api.environments.get(
    actor,
    options.environment,
    'environment.check',
  );
  if (environment.server === null) {
    throw new AppError(
      'invalid',
      `The environment "${environment.name}" has no server to check: it is metrics-only`,
    );
  }
  const { name, server } = environment;
  const inspection = await inspectServer(context, { name, server });
  const off = await whyLogIsOff(context, environment, inspection);
  const refusal = whyNotRecordable(inspection, store.taps, name) ?? off;
  const facts = {
    environment: environment.name,
    inspection,
    isHeldByUs: inspection.lockHolder !== null && refusal?.code !== 'conflict',
    refusal,
    coverage: coverageOf(inspection.values, store.warmUps.listOf(environment.id)),
    instructions: hintText(off?.hint ?? null)?.split('\n') ?? [],
  };
  // As everywhere: with JSON a failure leaves stdout empty and puts its object on stderr.
  if (context.isJson && refusal !== null) throw refusal;
  if (context.wantsReport) {
    const { stdout } = context.world;
    // What is piped is searched: a sentence stays in one line there.
    const width = stdout.isTTY ? context.columns : Infinity;
    await stdout.write(renderInspection(facts, width, await context.paint()));
  } else await context.printOne(inspectionNoun, facts);
  return refusal === null ? 0 : EXIT_STATUS[refusal.code];
}

export const command = loaded(registerEnvCheck, runEnvCheck);
