import type { Handler } from '../handler.ts';
import { auditHandlers } from './audit-handlers.ts';
import { captureHandlers } from './capture-handlers.ts';
import { daemonHandlers } from './daemon-handlers.ts';
import { environmentHandlers, memberHandlers } from './environment-handlers.ts';
import { metricHandlers } from './metric-handlers.ts';
import { openApiHandler } from './openapi-handler.ts';
import { replayHandlers } from './replay-handlers.ts';
import { reportHandlers } from './report-handlers.ts';
import { scheduleHandlers } from './schedule-handlers.ts';
import { userHandlers } from './user-handlers.ts';
import { warmUpHandlers } from './warm-up-handlers.ts';
import { workloadHandlers } from './workload-handlers.ts';

/** Every operation of a use case. */
export const HANDLERS: readonly Handler[] = [
  ...captureHandlers,
  ...scheduleHandlers,
  ...metricHandlers,
  ...workloadHandlers,
  ...environmentHandlers,
  ...memberHandlers,
  ...warmUpHandlers,
  ...userHandlers,
  ...auditHandlers,
  ...daemonHandlers,
  ...reportHandlers,
  ...replayHandlers,
];

/** Every operation. @param version of the program. */
export function allHandlers(version: string): readonly Handler[] {
  return [
    ...HANDLERS,
    openApiHandler(
      HANDLERS.map(({ route }) => route),
      version,
    ),
  ];
}
