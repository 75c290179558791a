import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { diagnose } from '../runtime/self-check.ts';
import { EXIT_STATUS } from '../runtime/exit-status.ts';
import { findingNoun, renderFindings } from '../render/diagnosis.ts';

export const command = defineCommand<object>({
  help: `Checks the program, the store, the disk, the clock, your session, the daemon, and the servers and AWS
credentials of your environments, and says how to fix what is wrong. It also works without a store, and changes nothing on servers.

Exits 0 if nothing failed (warnings do not count), else with the status of the first failure: 10 for the store, 4 if you are not logged in, 8 if captures wait for a daemon, 9 or 6 for a server. The results are always on stdout, also with --json.

Examples:
  captures doctor
  captures doctor --json | jq '.[] | select(.status != "ok")'`,
  prints: findingNoun,
  run,
});

async function run(_options: object, context: Context): Promise<number> {
  const findings = await diagnose(context);
  if (context.outputMode === 'table' && context.wantsReport) {
    const paint = await context.paint();
    await context.world.stdout.write(renderFindings(findings, { width: context.columns, paint }));
  } else {
    await context.print(findingNoun, findings);
  }
  const code = findings.find(({ status }) => status === 'fail')?.code ?? null;
  return code === null ? 0 : EXIT_STATUS[code];
}
