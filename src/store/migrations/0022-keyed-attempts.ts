/** Attempts at passwords are in other buckets from now on: those of a hash with the store's key. */
export const keyedAttempts = /* sql */ `
DELETE FROM password_attempts;
DELETE FROM address_attempts;
`;
