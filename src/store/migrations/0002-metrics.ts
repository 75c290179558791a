/**
 * Metrics of captures. Points lie packed (`packed-points.ts`), one row a metric and statistic; those
 * of the server's counters in pieces, so that a long capture is packed while it runs.
 */
export const metrics = /* sql */ `
CREATE TABLE metric_fetches (
  capture_id INTEGER PRIMARY KEY REFERENCES captures (id) ON DELETE CASCADE,
  from_at INTEGER,
  to_at INTEGER,
  period_ms INTEGER,
  fetched_at INTEGER,
  next_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0,
  failure TEXT,
  CHECK (fetched_at IS NULL OR (from_at IS NOT NULL AND to_at IS NOT NULL AND period_ms > 0))
) STRICT;
CREATE INDEX metric_fetches_due ON metric_fetches (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE metric_points (
  capture_id INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
  origin TEXT NOT NULL CHECK (origin IN ('cloudwatch', 'server')),
  label TEXT NOT NULL,
  statistic TEXT NOT NULL,
  first_at INTEGER NOT NULL,
  packed BLOB NOT NULL,
  UNIQUE (capture_id, origin, label, statistic, first_at)
) STRICT;

CREATE TABLE metric_samples (
  capture_id INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  counters TEXT NOT NULL CHECK (json_valid(counters)),
  PRIMARY KEY (capture_id, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE workload_rates (
  capture_id INTEGER NOT NULL REFERENCES captures (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  statements INTEGER NOT NULL,
  sessions INTEGER NOT NULL,
  PRIMARY KEY (capture_id, at)
) STRICT, WITHOUT ROWID;

-- Whoever moves a capture to its end (a daemon, a stop, somebody who only looked), from that moment
-- its metrics are due: a rule for every writer, so it stands here.
CREATE TRIGGER capture_ended AFTER UPDATE OF status ON captures
WHEN new.status IN ('DONE', 'FAILED') AND old.status NOT IN ('DONE', 'FAILED')
  AND new.start_at IS NOT NULL AND new.end_at IS NOT NULL
BEGIN
  INSERT OR IGNORE INTO metric_fetches (capture_id, next_at)
  SELECT new.id, new.end_at FROM environments
  WHERE id = new.environment_id AND instance IS NOT NULL;
END;
CREATE TRIGGER capture_registered AFTER INSERT ON captures
WHEN new.status = 'DONE'
BEGIN
  INSERT OR IGNORE INTO metric_fetches (capture_id, next_at)
  SELECT new.id, new.end_at FROM environments
  WHERE id = new.environment_id AND instance IS NOT NULL;
END;
`;
