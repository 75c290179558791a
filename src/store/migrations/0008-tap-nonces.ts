/**
 * Two servers can call themselves by one name (containers, cloned disks): a tap is known by a random
 * word of its own that it also writes onto its server. `server_key`, which is UNIQUE, holds that word
 * from here on; what the server calls itself is in `identity`. (Dropping the UNIQUE would mean to make
 * the table anew, and with that to delete what refers to it.)
 */
export const tapNonces = /* sql */ `
ALTER TABLE taps ADD COLUMN identity TEXT NOT NULL DEFAULT '';
UPDATE taps SET identity = server_key;
`;
