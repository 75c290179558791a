/**
 * What a token may be used for. `environments` is a JSON array of ids, of which some may be gone; null for every
 * environment of its user.
 */
export const tokenScopes = /* sql */ `
ALTER TABLE credentials ADD COLUMN read_only INTEGER NOT NULL DEFAULT 0 CHECK (read_only IN (0, 1));
ALTER TABLE credentials ADD COLUMN environments TEXT CHECK (environments IS NULL OR json_valid(environments));
`;
