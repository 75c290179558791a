/**
 * `pending_capture_id` is the capture made ahead for the occurrence at `pending_at`. An id that is
 * null beside a time means that somebody deleted it: that occurrence is cancelled.
 * A row of `removals` says that a capture is being pruned: whoever finds one finishes it.
 */
export const schedules = /* sql */ `
CREATE TABLE schedules (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  owner_id INTEGER NOT NULL REFERENCES users (id),
  cron TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 60000),
  overlap TEXT NOT NULL CHECK (overlap IN ('skip', 'allow')),
  count INTEGER CHECK (count IS NULL OR count > 0),
  until_at INTEGER,
  retain_ms INTEGER CHECK (retain_ms IS NULL OR retain_ms > 0),
  state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'over')),
  passed INTEGER NOT NULL DEFAULT 0,
  missed INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  cursor_at INTEGER NOT NULL,
  pending_capture_id INTEGER REFERENCES captures (id) ON DELETE SET NULL,
  pending_at INTEGER,
  created_at INTEGER NOT NULL,
  UNIQUE (environment_id, name_key)
) STRICT;
CREATE INDEX schedules_active ON schedules (id) WHERE state = 'active';
CREATE INDEX schedules_pending ON schedules (pending_capture_id)
  WHERE pending_capture_id IS NOT NULL;
CREATE INDEX schedules_owner ON schedules (owner_id);

CREATE TABLE occurrences (
  capture_id INTEGER PRIMARY KEY REFERENCES captures (id) ON DELETE CASCADE,
  schedule_id INTEGER NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX occurrences_schedule ON occurrences (schedule_id, at);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  user_id INTEGER,
  user_name TEXT NOT NULL,
  os_user TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  action TEXT NOT NULL,
  subject_kind TEXT NOT NULL,
  subject_id INTEGER NOT NULL,
  subject_name TEXT NOT NULL,
  environment_id INTEGER,
  details TEXT NOT NULL CHECK (json_valid(details)),
  reason TEXT
) STRICT;
CREATE INDEX audit_environment ON audit (environment_id, id);
CREATE INDEX audit_subject ON audit (subject_kind, subject_id, id);
CREATE INDEX audit_user ON audit (user_id, id);

CREATE TABLE removals (
  capture_id INTEGER PRIMARY KEY REFERENCES captures (id) ON DELETE CASCADE,
  user_id INTEGER,
  user_name TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE daemon_status (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  holder TEXT NOT NULL,
  at INTEGER NOT NULL,
  taps TEXT NOT NULL CHECK (json_valid(taps))
) STRICT;
`;
