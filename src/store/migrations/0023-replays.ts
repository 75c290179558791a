/**
 * Replays: a capture's row of type REPLAY, and what is known of it besides. JSON texts are opaque here. Lists
 * of replays alone, and replays that are not over, are found without a look at the other captures.
 */
export const replays = /* sql */ `
ALTER TABLE captures ADD COLUMN type TEXT NOT NULL DEFAULT 'CAPTURE'
  CHECK (type IN ('CAPTURE', 'REPLAY'));
CREATE INDEX replays_environment ON captures (environment_id, id) WHERE type = 'REPLAY';
CREATE INDEX replays_name ON captures (environment_id, name_key, id) WHERE type = 'REPLAY';
CREATE INDEX replays_start
  ON captures (environment_id, coalesce(start_at, scheduled_start_at), id) WHERE type = 'REPLAY';
CREATE INDEX replays_end
  ON captures (environment_id, coalesce(end_at, scheduled_end_at), id) WHERE type = 'REPLAY';
CREATE INDEX replays_open ON captures (id)
  WHERE type = 'REPLAY' AND status NOT IN ('DONE', 'FAILED');

CREATE TABLE replays (
  capture_id INTEGER PRIMARY KEY REFERENCES captures (id) ON DELETE CASCADE,
  source TEXT NOT NULL CHECK (json_valid(source)),
  options TEXT NOT NULL CHECK (json_valid(options)),
  target TEXT CHECK (target IS NULL OR json_valid(target)),
  plan TEXT CHECK (plan IS NULL OR json_valid(plan)),
  progress TEXT CHECK (progress IS NULL OR json_valid(progress)),
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  heard_at INTEGER NOT NULL
) STRICT;
`;
