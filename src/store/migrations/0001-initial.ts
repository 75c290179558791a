/** Times are milliseconds since the epoch, UTC. A name's key is what names are compared by. */
export const initial = /* sql */ `
CREATE TABLE store (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  id TEXT NOT NULL,
  is_shared INTEGER NOT NULL CHECK (is_shared IN (0, 1)),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  is_admin INTEGER NOT NULL CHECK (is_admin IN (0, 1)),
  password_hash TEXT NOT NULL,
  failed_logins INTEGER NOT NULL DEFAULT 0,
  last_failed_login INTEGER,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE credentials (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('session', 'token')),
  name TEXT,
  secret_hash BLOB NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX credentials_user ON credentials (user_id);

CREATE TABLE environments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  server TEXT CHECK (server IS NULL OR json_valid(server)),
  region TEXT,
  instance TEXT,
  profile TEXT,
  endpoint_url TEXT,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
  environment_id INTEGER NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id),
  role TEXT NOT NULL CHECK (role IN ('member', 'admin')),
  PRIMARY KEY (environment_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id, environment_id);

CREATE TABLE captures (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  owner_id INTEGER NOT NULL REFERENCES users (id),
  status TEXT NOT NULL CHECK (status IN
    ('SCHEDULED', 'STARTED', 'STARTING', 'RUNNING', 'STOPPING', 'DONE', 'FAILED')),
  start_at INTEGER,
  scheduled_start_at INTEGER,
  scheduled_end_at INTEGER,
  end_at INTEGER,
  duration_ms INTEGER CHECK (duration_ms IS NULL OR duration_ms >= 60000),
  reason TEXT,
  records_statements INTEGER NOT NULL CHECK (records_statements IN (0, 1)),
  created_at INTEGER NOT NULL,
  UNIQUE (environment_id, name_key),
  CHECK (status <> 'SCHEDULED' OR scheduled_start_at IS NOT NULL),
  CHECK (status NOT IN ('RUNNING', 'STOPPING', 'DONE') OR start_at IS NOT NULL),
  CHECK (status <> 'DONE' OR end_at IS NOT NULL),
  CHECK (status <> 'FAILED' OR reason IS NOT NULL)
) STRICT;
CREATE INDEX captures_environment ON captures (environment_id, id);
CREATE INDEX captures_start
  ON captures (environment_id, coalesce(start_at, scheduled_start_at), id);
CREATE INDEX captures_name ON captures (name_key);
CREATE INDEX captures_owner ON captures (owner_id, id);
CREATE INDEX captures_open ON captures (status, id) WHERE status NOT IN ('DONE', 'FAILED');
CREATE INDEX captures_due ON captures (scheduled_start_at) WHERE status = 'SCHEDULED';
CREATE INDEX captures_ending ON captures (scheduled_end_at)
  WHERE status = 'RUNNING' AND scheduled_end_at IS NOT NULL;

CREATE TABLE taps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  server_key TEXT NOT NULL UNIQUE,
  environment_id INTEGER NOT NULL REFERENCES environments (id),
  settings TEXT NOT NULL CHECK (json_valid(settings)),
  generation INTEGER NOT NULL DEFAULT 0,
  row INTEGER NOT NULL DEFAULT 0,
  opened_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tap_connections (
  tap_id INTEGER NOT NULL REFERENCES taps (id) ON DELETE CASCADE,
  connection_id INTEGER NOT NULL,
  PRIMARY KEY (tap_id, connection_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tap_sessions (
  tap_id INTEGER NOT NULL REFERENCES taps (id) ON DELETE CASCADE,
  session INTEGER NOT NULL,
  user TEXT,
  host TEXT,
  db TEXT,
  memory TEXT,
  PRIMARY KEY (tap_id, session)
) STRICT, WITHOUT ROWID;

CREATE TABLE recordings (
  capture_id INTEGER PRIMARY KEY REFERENCES captures (id) ON DELETE CASCADE,
  tap_id INTEGER REFERENCES taps (id),
  first_generation INTEGER,
  last_generation INTEGER,
  records INTEGER NOT NULL DEFAULT 0,
  text_bytes INTEGER NOT NULL DEFAULT 0,
  file_bytes INTEGER NOT NULL DEFAULT 0,
  position TEXT CHECK (position IS NULL OR json_valid(position)),
  counters TEXT CHECK (counters IS NULL OR json_valid(counters)),
  facts TEXT CHECK (facts IS NULL OR json_valid(facts))
) STRICT;
CREATE INDEX recordings_tap ON recordings (tap_id) WHERE tap_id IS NOT NULL;

CREATE TABLE lease (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  holder TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  background INTEGER NOT NULL CHECK (background IN (0, 1)),
  acquired_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
`;
