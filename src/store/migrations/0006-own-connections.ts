/**
 * Connections of the recorder's by the start of the server that their ids belong to: it numbers them
 * from 1 again after each. 0 where the start is unknown. And the start since which a tap's log is on.
 */
export const ownConnections = /* sql */ `
CREATE TABLE own_connections (
  tap_id INTEGER NOT NULL REFERENCES taps (id) ON DELETE CASCADE,
  connection_id INTEGER NOT NULL,
  server_start INTEGER NOT NULL,
  PRIMARY KEY (tap_id, connection_id, server_start)
) STRICT, WITHOUT ROWID;
INSERT INTO own_connections (tap_id, connection_id, server_start)
  SELECT tap_id, connection_id, 0 FROM tap_connections;
DROP TABLE tap_connections;
ALTER TABLE taps ADD COLUMN server_start INTEGER;
`;
