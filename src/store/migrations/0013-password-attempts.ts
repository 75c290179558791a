/**
 * Attempts at passwords are counted by the name that was typed, whether or not a user has it: what only
 * users had told who is one. `bucket` is two bytes of a hash of the name, so there are at most 65,536
 * rows, none has to go for another, and what somebody typed cannot be read out of them.
 *
 * Names: an emoji is the same with and without its variation selector (U+FE0F).
 */
export const passwordAttempts = /* sql */ `
CREATE TABLE password_attempts (
  bucket INTEGER PRIMARY KEY CHECK (bucket BETWEEN 0 AND 65535),
  failures INTEGER NOT NULL,
  checking INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) STRICT;
ALTER TABLE users DROP COLUMN failed_logins;
ALTER TABLE users DROP COLUMN last_failed_login;
UPDATE OR IGNORE users SET name_key = replace(name_key, char(0xfe0f), '')
  WHERE instr(name_key, char(0xfe0f)) > 0;
UPDATE OR IGNORE environments SET name_key = replace(name_key, char(0xfe0f), '')
  WHERE instr(name_key, char(0xfe0f)) > 0;
UPDATE OR IGNORE captures SET name_key = replace(name_key, char(0xfe0f), '')
  WHERE instr(name_key, char(0xfe0f)) > 0;
UPDATE OR IGNORE schedules SET name_key = replace(name_key, char(0xfe0f), '')
  WHERE instr(name_key, char(0xfe0f)) > 0;
`;
