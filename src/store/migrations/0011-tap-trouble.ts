/** What keeps a tap from reading or restoring its server just now, as JSON; null while all is well. */
export const tapTrouble = /* sql */ `
ALTER TABLE taps ADD COLUMN trouble TEXT NULL;
`;
