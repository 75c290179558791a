/**
 * What the tap's connections have sent, and may have sent by now: it is in the server's counters and
 * not in its log, also where a daemon was killed. null where an older version made the tap.
 */
export const ownCommands = /* sql */ `
ALTER TABLE taps ADD COLUMN own_commands TEXT;
`;
