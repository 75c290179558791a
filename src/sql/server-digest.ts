/**
 * A coarse form of a digest text, ours or a server's (`DIGEST_TEXT` of `performance_schema`), to join
 * the two: the same for both whenever the server counts a statement of ours under its text. Several
 * digests may have one form.
 */
export function serverDigestKey(text: string): string {
  return text.toUpperCase();
}
