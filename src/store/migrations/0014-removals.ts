/**
 * A row of `removals` outlives its capture: the workload of a deleted capture is still to be removed, or
 * (`is_kept`) stays on purpose. Ids are never given twice. What an older version began to prune is deleted
 * here, and its files are removed by whoever comes next.
 */
export const removals = /* sql */ `
ALTER TABLE removals RENAME TO old_removals;
CREATE TABLE removals (
  capture_id INTEGER PRIMARY KEY,
  is_kept INTEGER NOT NULL DEFAULT 0 CHECK (is_kept IN (0, 1))
) STRICT;
INSERT INTO removals (capture_id)
  SELECT capture_id FROM old_removals JOIN captures ON captures.id = capture_id
  WHERE status IN ('DONE', 'FAILED');
INSERT INTO audit (at, user_id, user_name, os_user, host, pid, action, subject_kind, subject_id,
    subject_name, environment_id, details, reason)
  SELECT unixepoch() * 1000, user_id, user_name, 'unknown', 'unknown', 0, 'capture.prune', 'capture',
    captures.id, captures.name, environment_id, json_object('status', status), old_removals.reason
  FROM old_removals JOIN captures ON captures.id = capture_id
  WHERE status IN ('DONE', 'FAILED');
DELETE FROM captures WHERE id IN (SELECT capture_id FROM removals);
DROP TABLE old_removals;
`;
