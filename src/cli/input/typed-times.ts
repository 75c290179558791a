import type { Context } from '../runtime/context.ts';
import { formatDuration } from '../render/units.ts';
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
  const distance = at - now;
  const relative =
    Math.abs(distance) < 1_000
      ? 'now'
      : distance < 0
        ? `${formatDuration(-distance)} ago`
        : `in ${formatDuration(distance)}`;
  await context.note(`${option}: ${formatTime(at, zone)} (${zone}), ${relative}`);
  return at;
}
