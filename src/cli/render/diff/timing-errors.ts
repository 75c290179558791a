/**
 * Numbers of errors of the MySQL family that depend on what else goes on at that moment: deadlocks (1213), waits
 * for locks (1205, 3572, 1637), limits of time (1969, 3024, 1317), a lost connection (-1, 2006, 2013, 1927).
 */
export const TIMING_ERRORS: ReadonlySet<string> = new Set([
  '-1',
  '1205',
  '1213',
  '1317',
  '1637',
  '1927',
  '1969',
  '2006',
  '2013',
  '3024',
  '3572',
]);
