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
  return read(context, option, text, false);
}

/** As `readTime`, for an option about the past: a time of day alone is the last such time. */
export async function readPastTime(
  context: Context,
  option: string,
  text: string | undefined,
): Promise<number | null> {
  return read(context, option, text, true);
}

async function read(
  context: Context,
  option: string,
  text: string | undefined,
  looksBack: boolean,
): Promise<number | null> {
  if (text === undefined) return null;
  const zone = context.timeZone;
  const now = context.now();
  const at = parseTime(text, { now, zone, looksBack });
  await context.note(`${option}: ${formatTime(at, zone)} (${zone}), ${formatRelative(at, now, 2)}`);
  return at;
}
