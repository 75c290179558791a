/**
 * Tells the operands of `create NAME -- COMMAND ARGS…` from the command: commander hands both on in
 * one list, without the `--`.
 * @param words the operands as commander gives them, the command's words at their end.
 * @param argv the whole command line.
 * @returns the command's words; null when there was no `--`.
 */
export function splitCommand(
  words: readonly string[],
  argv: readonly string[],
): { operands: readonly string[]; command: readonly string[] | null } {
  const dashes = argv.indexOf('--');
  if (dashes === -1) return { operands: words, command: null };
  const command = argv.slice(dashes + 1);
  return { operands: words.slice(0, words.length - command.length), command };
}
