const NOTED = /* sql */ `
INSERT OR IGNORE INTO recorded_servers (environment_id, server)
SELECT CASE WHEN facts ->> '$.imported' IS NULL THEN captures.environment_id ELSE 0 END,
  json_object('uuid', facts ->> '$.server.uuid', 'hostname', facts ->> '$.server.hostname',
    'port', facts ->> '$.server.port')
FROM recordings JOIN captures ON captures.id = capture_id
WHERE facts ->> '$.server.hostname' IS NOT NULL`;

/**
 * Replays: a capture's row of type REPLAY, and what is known of it besides. JSON texts are opaque here. Lists
 * of replays alone, and replays that are not over, are found without a look at the other captures.
 *
 * What a server calls itself that was ever recorded stays when its captures are deleted, so that no replay is sent
 * there by mistake. It is noted by whoever begins a record or imports one: a rule for every writer, so it stands here.
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

CREATE TABLE recorded_servers (
  environment_id INTEGER NOT NULL,
  server TEXT NOT NULL CHECK (json_valid(server)),
  PRIMARY KEY (environment_id, server)
) STRICT, WITHOUT ROWID;
${NOTED};
CREATE TRIGGER recording_begun AFTER UPDATE OF facts ON recordings
WHEN old.facts IS NULL AND new.facts IS NOT NULL
BEGIN
  ${NOTED} AND capture_id = new.capture_id;
END;
CREATE TRIGGER recording_imported AFTER INSERT ON recordings
WHEN new.facts IS NOT NULL
BEGIN
  ${NOTED} AND capture_id = new.capture_id;
END;
`;
