/**
 * What checks and plans of ours asked of a server wholly within a window, as far as it is known, apart
 * from what they may have asked; and whether the window is about to close, after which nothing is known.
 */
export const looks = /* sql */ `
ALTER TABLE recordings ADD COLUMN look_questions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN look_sets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN look_statuses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recordings ADD COLUMN is_closing INTEGER NOT NULL DEFAULT 0;
`;
