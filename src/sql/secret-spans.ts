/** What stands in the place of a secret; in a literal, so that the statement still parses. */
export const REDACTED = '<redacted>';

/** A piece of a statement that is, or holds, a secret. */
export interface Span {
  readonly start: number;
  end: number;
  /** What is to stand there instead; null for a redacted literal. */
  readonly text: string | null;
  /** False when the text ended before the secret did. */
  readonly isClosed: boolean;
}

/** The part of a longer text that begins at `at`, without the secrets that reach into it. */
export function replacedWithin(value: string, at: number, secrets: readonly Span[]): string {
  let text = '';
  let from = 0;
  for (const { start, end, text: substitute } of secrets) {
    const begin = start - at;
    const stop = Math.min(end - at, value.length);
    if (begin > value.length || stop < 0 || (stop === 0 && begin < 0)) continue;
    text += value.slice(from, Math.max(begin, 0));
    // What reaches over several literals is marked in the first.
    const isWhole = end - at <= value.length;
    if (begin >= 0) text += isWhole && substitute !== null ? substitute : `'${REDACTED}'`;
    from = stop;
  }
  return text + value.slice(from);
}

/** The text with every span replaced. */
export function replaced(sql: string, spans: readonly Span[]): string {
  return replacedWithin(sql, 0, merged(spans));
}

/** Spans in order; those that overlap become one. */
export function merged(spans: readonly Span[]): Span[] {
  const sorted = spans.toSorted((a, b) => a.start - b.start || b.end - a.end);
  const all: Span[] = [];
  for (const span of sorted) {
    const last = all.at(-1);
    if (last === undefined || span.start >= last.end) {
      all.push(span);
      continue;
    }
    const isSame = span.start === last.start && span.end === last.end && span.text === last.text;
    if (!isSame) all[all.length - 1] = { ...last, end: Math.max(span.end, last.end), text: null };
  }
  return all;
}
