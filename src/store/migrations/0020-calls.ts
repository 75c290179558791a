/**
 * Who asked the API for what: kept for a while (see `call-log.ts`). `user_id` is that of the time; it refers to
 * nobody, so that calls outlive their user.
 *
 * Attempts at passwords from an address are counted like those at a name; `kind` `pair` is a name that logged
 * in from an address.
 */
export const calls = /* sql */ `
ALTER TABLE audit ADD COLUMN address TEXT;

CREATE TABLE calls (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  user_id INTEGER,
  user_name TEXT,
  credential_id INTEGER,
  address TEXT NOT NULL,
  method TEXT NOT NULL,
  path TEXT NOT NULL,
  status INTEGER NOT NULL,
  ms INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_user ON calls (user_id, id);
CREATE INDEX calls_at ON calls (at);

CREATE TABLE address_attempts (
  kind TEXT NOT NULL CHECK (kind IN ('address', 'pair')),
  bucket INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 65535),
  failures REAL NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (kind, bucket)
) STRICT, WITHOUT ROWID;
`;
