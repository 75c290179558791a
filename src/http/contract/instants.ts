const FORM =
  /^((?:\d{4}|[+-]\d{6})-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?\s?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * Reads a time as programs write it: ISO-8601, also with a space in place of the `T`, as the reference's sample
 * has it (`2018-05-19 12:00:00`). Without an offset it is UTC. Years beyond 9999 have a sign and six digits, as
 * `Date` writes them: whether something can have such a time is not for who reads it.
 * @returns milliseconds since the epoch; null for what is none, a day that there is not among it.
 */
export function readInstant(text: string): number | null {
  const [, day, time = '00:00', offset = 'Z'] = FORM.exec(text) ?? [];
  if (day === undefined) return null;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // `2026-02-30` would be the second of March.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(day)) return null;
  const at = Date.parse(`${day}T${time}${offset}`);
  return Number.isNaN(at) ? null : at;
}
