/**
 * What a capture records and what guards it, as JSON; NULL for the defaults. The key of a store's
 * pseudonyms (`--redact literals`) is made when it is first needed. When a connection of the
 * recorder's was opened, for its id may be a client's before or after a restart of the server.
 */
export const recordingOptions = /* sql */ `
ALTER TABLE captures ADD COLUMN options TEXT CHECK (options IS NULL OR json_valid(options));
ALTER TABLE schedules ADD COLUMN options TEXT CHECK (options IS NULL OR json_valid(options));
ALTER TABLE store ADD COLUMN pseudonym_key BLOB;
ALTER TABLE tap_connections ADD COLUMN opened_at INTEGER;
`;
