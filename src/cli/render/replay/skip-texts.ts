import type { SkipReason } from '../../../core/replays/replay.ts';

/** Why records are not sent, in a few words for a table; the compiler keeps it complete. `docs/replay.md` says more. */
export const SKIP_TEXTS: Readonly<Record<SkipReason, string>> = {
  echo: 'repeats another record',
  filtered: 'not what was asked for',
  refused_login: 'login that the recorded server refused',
  cut_short: 'text was not recorded whole',
  redacted: 'values were taken out',
  without_values: 'values were not recorded',
  half_transaction: 'transaction cut by the edge of the record',
  recorder: 'of the recorder itself',
  accounts: 'accounts and privileges: never sent',
  server: 'the server as a whole: never sent',
  files: 'reads or writes files: never sent',
  unseen: 'runs SQL that the record does not show: never sent',
  writes: 'may change data: --writes sends it',
  other_command: 'command without a text',
  transaction_lost: 'its transaction was rolled back',
  session_lost: 'its connection was refused or lost',
  target_lost: 'the target was lost before',
  interrupted: 'the replay ended before',
};
