import { GLOBAL_OPTIONS } from './global-options.ts';
import { VERBS } from './verbs.ts';
import type { World } from './world.ts';

export const DESCRIPTION =
  'Record every statement a MySQL or MariaDB server receives, as named captures.';
export const VERSION_OPTION = ['-V, --version', 'print the version'] as const;
export const HELP_OPTION = ['-h, --help', 'explain'] as const;
export const AFTER_HELP = '\nTo explain a command: captures help COMMAND';

const ROOM = 80;

/**
 * The help of the program itself, as commander would print it: a test holds the two equal.
 * @returns null on a narrow terminal, for which commander wraps the lines.
 */
export function rootHelp(world: Pick<World, 'stdout' | 'env'>): string | null {
  if ((world.stdout.columns ?? (Number(world.env['COLUMNS']) || ROOM)) < ROOM) return null;
  const options = [VERSION_OPTION, ...GLOBAL_OPTIONS, HELP_OPTION];
  const commands = VERBS.filter((verb) => verb.hidden !== true);
  const width = Math.max(
    ...options.map(([flags]) => flags.length),
    ...commands.map(({ name }) => name.length),
  );
  const line = (term: string, text: string): string => `  ${term.padEnd(width)}  ${text}`;
  return [
    'Usage: captures [options] [command]',
    '',
    DESCRIPTION,
    '',
    'Options:',
    ...options.map(([flags, description]) => line(flags, description)),
    '',
    'Commands:',
    ...commands.map(({ name, summary }) => line(name, summary)),
    AFTER_HELP,
    '',
  ].join('\n');
}
