import { fullName } from './full-name.ts';

/** Text as a shell takes it for one word. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** An environment and a capture as one word of a command line that every command accepts. */
export function captureWord(capture: Parameters<typeof fullName>[0]): string {
  return shellQuoted(fullName(capture));
}
