import type { Environment } from '../core/environments/environment.ts';
import { AppError } from '../core/errors.ts';
import type { ServerInspection } from '../core/environments/server-inspection.ts';
import { hintText } from './output/hints.ts';
import type { Context } from './runtime/context.ts';

const LOOK_EVERY_MS = 3_000;
const SAY_EVERY_LOOKS = 20;

/** Whether statements can be recorded only once somebody else has switched the log on. */
function isLogOff({ logSwitch, settings }: ServerInspection): boolean {
  const isOn =
    settings['generalLog'] === true && String(settings['logOutput']).split(',').includes('TABLE');
  return logSwitch === 'owner' && !isOn;
}

/** Why a log that only a parameter group switches records nothing, and what to run; null when it does. */
export async function whyLogIsOff(
  context: Context,
  environment: Environment,
  inspection: ServerInspection,
): Promise<AppError | null> {
  if (!isLogOff(inspection)) return null;
  const { server, settings } = inspection;
  const where = `${server.hostname}:${server.port}`;
  const what =
    settings['generalLog'] === true
      ? `The general log of ${where} goes to ${String(settings['logOutput'])}, not to its table`
      : `The general log of ${where} is off`;
  return new AppError('remote_failed', `${what}, and only its parameter group can change that`, {
    hint: [
      'Run, with the right to change the parameter group, and then this command again:',
      ...(await context.wiring.logSwitchCommands(environment)),
    ].join('\n'),
  });
}

/**
 * Waits on a terminal until the log is on; Ctrl-C ends it with nothing stored.
 * @param look at the server again.
 * @throws AppError `off` at once where there is no terminal; Interrupted.
 */
export async function waitForLog(
  context: Context,
  off: AppError,
  look: () => Promise<ServerInspection>,
): Promise<void> {
  if (!context.canPrompt || context.isJson) throw off;
  const { clock, signals } = context.world;
  await context.tell(off.message);
  for (const line of (hintText(off.hint) ?? '').split('\n')) await context.tell(line);
  await context.tell('Waiting until it is on. Ctrl-C cancels; nothing is stored until then.');
  for (let looks = 1; ; looks++) {
    await clock.sleep(LOOK_EVERY_MS, signals.interrupted);
    signals.interrupted.throwIfAborted();
    if (!isLogOff(await look())) break;
    if (looks % SAY_EVERY_LOOKS === 0) await context.tell('The log is still off.');
  }
  await context.tell('The log is on.');
}
