import { initial } from './0001-initial.ts';
import { metrics } from './0002-metrics.ts';
import { schedules } from './0003-schedules.ts';
import { orderByEnd } from './0004-order-by-end.ts';
import { recordingOptions } from './0005-recording-options.ts';
import { ownConnections } from './0006-own-connections.ts';
import { otherCommands } from './0007-other-commands.ts';
import { tapNonces } from './0008-tap-nonces.ts';
import { ownCommands } from './0009-own-commands.ts';
import { looks } from './0010-looks.ts';
import { tapTrouble } from './0011-tap-trouble.ts';
import { warmUps } from './0012-warm-ups.ts';
import { passwordAttempts } from './0013-password-attempts.ts';
import { removals } from './0014-removals.ts';
import { scheduleTrouble } from './0015-schedule-trouble.ts';
import { serverPublicKeys } from './0016-server-public-keys.ts';
import { sessionMemories } from './0017-session-memories.ts';
import { statementTimes } from './0018-statement-times.ts';
import { tokenScopes } from './0019-token-scopes.ts';
import { calls } from './0020-calls.ts';
import { passwordReferences } from './0021-password-references.ts';
import { keyedAttempts } from './0022-keyed-attempts.ts';
import { replays } from './0023-replays.ts';

/** Append only: the schema's version is the number of migrations that ran. */
export const MIGRATIONS: readonly string[] = [
  initial,
  metrics,
  schedules,
  orderByEnd,
  recordingOptions,
  ownConnections,
  otherCommands,
  tapNonces,
  ownCommands,
  looks,
  tapTrouble,
  warmUps,
  passwordAttempts,
  removals,
  scheduleTrouble,
  serverPublicKeys,
  sessionMemories,
  statementTimes,
  tokenScopes,
  calls,
  passwordReferences,
  keyedAttempts,
  replays,
];
