/** Why the daemon paused a schedule by itself; null where nothing is wrong with it. */
export const scheduleTrouble = /* sql */ `
ALTER TABLE schedules ADD COLUMN trouble TEXT;
`;
