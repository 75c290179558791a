import type { Context } from '../runtime/context.ts';
import { formatRelative } from '../../core/units.ts';
import { formatTime, parseTime } from './times.ts';

/**
 * Reads a time option and says on stderr how it was understood, with its offset.
 * @throws AppError `invalid`.
 */
export async function readTime(
  context: Context,
  option: string,
  text: string | undefined,
): Promise<number | null> {
  if (text === undefined) return null;
  const zone = context.timeZone;
  const now = context.now();
  const at = parseTime(text, { now, zone });
  await context.note(`${option}: ${formatTime(at, zone)} (${zone}), ${formatRelative(at, now, 2)}`);
  return at;
}
