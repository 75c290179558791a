/**
 * Which servers a password was described for: over the API it goes to no other (see `confinement.ts`). Kept when
 * the environment is deleted, so that nobody frees it by that. `source` is the file or the variable.
 */
export const passwordReferences = /* sql */ `
CREATE TABLE password_references (
  source TEXT NOT NULL,
  reference TEXT NOT NULL,
  place TEXT NOT NULL,
  PRIMARY KEY (source, reference, place)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO password_references (source, reference, place)
  SELECT
    CASE
      WHEN reference LIKE 'env:%' THEN reference
      WHEN reference LIKE 'cnf:%#%' THEN 'file:' || substr(reference, 5, instr(reference, '#') - 5)
      WHEN reference LIKE 'cnf:%' THEN 'file:' || substr(reference, 5)
      ELSE reference
    END,
    CASE
      WHEN reference LIKE 'cnf:%' AND reference NOT LIKE 'cnf:%#%' THEN reference || '#client'
      ELSE reference
    END,
    CASE
      WHEN socket IS NOT NULL THEN socket
      WHEN instr(host, ':') > 0 THEN '[' || lower(host) || ']:' || port
      ELSE lower(host) || ':' || port
    END
  FROM (
    SELECT json_extract(server, '$.passwordFrom') AS reference, json_extract(server, '$.socket') AS socket,
      json_extract(server, '$.host') AS host, json_extract(server, '$.port') AS port
    FROM environments WHERE server IS NOT NULL
  ) WHERE reference IS NOT NULL;
`;
