/**
 * What a source remembers of a session is JSON. Before, it was text: `echo:1:0:open` with a session's zone
 * in front (`zone:60 `), and of the log itself (session 0) a generation and the name of its backup. What is JSON
 * stays: a daemon of the version before that still runs goes on writing text, so this is done again when
 * memories are read.
 */
export const sessionMemories = `
UPDATE tap_sessions SET memory = json_object(
  'generation', CAST(memory AS INTEGER),
  'backup', replace(replace(substr(memory, instr(memory, ' ') + 1), 'whole ', ''), 'part ', ''))
WHERE session = 0 AND NOT json_valid(memory);

UPDATE tap_sessions SET memory = (
  WITH parts AS (
    SELECT CASE WHEN memory LIKE 'zone:%' THEN CAST(substr(memory, 6) AS INTEGER) END AS zone,
      CASE WHEN memory LIKE 'zone:%' THEN substr(memory, instr(memory || ' ', ' ') + 1) ELSE memory END AS rest
  ), counts AS (
    SELECT zone, rest, substr(rest, instr(rest, ':') + 1) AS behind FROM parts
  )
  SELECT json_patch('{}', json_object(
    'prepares', CAST(behind AS INTEGER),
    'isHidden', json(CASE WHEN rest LIKE 'hidden:%' THEN 'true' ELSE 'false' END),
    'executes', CAST(substr(behind, instr(behind, ':') + 1) AS INTEGER),
    'transaction', CASE WHEN rest LIKE '%:open' THEN 'open' WHEN rest LIKE '%:keeps' THEN 'keeps' END,
    'zone', zone))
  FROM counts)
WHERE session <> 0 AND NOT json_valid(memory);
`;
