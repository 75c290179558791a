/**
 * Warm-ups: for a while a server's new sessions have their slow log on, so that what they prepare is
 * recorded with its values later. `covered` is JSON: which sessions came meanwhile, by their ids. Captures
 * that wait for their start and want one before it are found by when that is to begin.
 */
export const warmUps = /* sql */ `
CREATE TABLE warm_ups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  capture_id INTEGER,
  asked_by TEXT NOT NULL,
  begin_at INTEGER NOT NULL,
  until_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'on', 'over')),
  outcome TEXT,
  server_start INTEGER,
  covered TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(covered)),
  tap_id INTEGER
) STRICT;
CREATE INDEX warm_ups_environment ON warm_ups (environment_id, id);
CREATE INDEX warm_ups_open ON warm_ups (until_at) WHERE state <> 'over';
CREATE INDEX warm_ups_capture ON warm_ups (capture_id) WHERE capture_id IS NOT NULL;
CREATE INDEX warm_ups_tap ON warm_ups (tap_id) WHERE tap_id IS NOT NULL;
CREATE INDEX captures_warming ON captures (scheduled_start_at - json_extract(options, '$.warmUp'))
  WHERE status = 'SCHEDULED' AND json_extract(options, '$.warmUp') IS NOT NULL;
`;
