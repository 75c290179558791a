/** A server's RSA key, to log in without TLS: an environment from before has none. */
export const serverPublicKeys = /* sql */ `
UPDATE environments SET server = json_set(server, '$.serverPublicKey', NULL) WHERE server IS NOT NULL;
`;
