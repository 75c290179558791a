/**
 * How long statements took, as their server counted it. One row an interval of a capture, with `to_at` null
 * for one of which nothing could be read yet; one row a tap, with what was read last. Packed: see
 * `packed-times.ts`. `digests` is how many digests of the capture are numbered up to this row.
 */
export const statementTimes = /* sql */ `
CREATE TABLE capture_times (
  id INTEGER PRIMARY KEY,
  capture_id INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
  from_at INTEGER NOT NULL,
  to_at INTEGER,
  why TEXT,
  digests INTEGER NOT NULL DEFAULT 0,
  packed BLOB,
  CHECK (to_at IS NOT NULL OR why IS NOT NULL)
) STRICT;
CREATE INDEX capture_times_capture ON capture_times (capture_id, id);

CREATE TABLE tap_times (
  tap_id INTEGER PRIMARY KEY REFERENCES taps (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  server_start INTEGER NOT NULL,
  is_counting INTEGER NOT NULL CHECK (is_counting IN (0, 1)),
  lost INTEGER NOT NULL,
  captures TEXT NOT NULL CHECK (json_valid(captures)),
  packed BLOB NOT NULL
) STRICT;
`;
