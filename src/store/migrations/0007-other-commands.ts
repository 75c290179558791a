/**
 * What commands asked of a server while it was recorded (checks, plans): it is in the server's counters
 * and not in its log, so that the two can only be compared when it is known.
 */
export const otherCommands = /* sql */ `
ALTER TABLE recordings ADD COLUMN other_commands INTEGER NOT NULL DEFAULT 0;
`;
