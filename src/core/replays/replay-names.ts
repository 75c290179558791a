import { MESSAGES } from '../captures/capture.ts';
import { AppError } from '../errors.ts';
import { checkName, nameKey, splitAtEmoji } from '../names.ts';
import type { CaptureTable } from '../store.ts';

const LONGEST_NAME = 64;
/** Room for " on " and a number. */
const ROOM = 10;

interface Place {
  readonly id: number;
  readonly name: string;
}

/**
 * The name that a replay gets.
 * @param asked null for one that is made of the capture's and the environment's: `friday on staging`, and
 *   `friday on staging 2` where that is taken.
 * @throws AppError `invalid` for one that is none, or taken.
 */
export function replayName(
  captures: Pick<CaptureTable, 'isNameTaken'>,
  asked: string | null,
  capture: string,
  environment: Place,
): string {
  const isTaken = (name: string): boolean => captures.isNameTaken(environment.id, nameKey(name));
  if (asked !== null) {
    checkName('replay', asked);
    if (!isTaken(asked)) return asked;
    throw new AppError('invalid', MESSAGES.nameTaken, {
      hint: { code: 'other_name', capture: { environmentName: environment.name, name: asked } },
    });
  }
  const base = baseName(capture, environment.name);
  let name = base;
  for (let n = 2; isTaken(name); n += 1) name = `${base} ${n}`;
  return name;
}

/** Both names as far as there is room; what readers see as one emoji is not cut. */
function baseName(capture: string, environment: string): string {
  const room = LONGEST_NAME - ROOM;
  const [left, right] = [charactersOf(capture), charactersOf(environment)];
  const kept = Math.max(room - right.length, Math.floor(room / 2));
  const first = left.slice(0, kept).join('').trim();
  const second = right
    .slice(0, room - Math.min(kept, left.length))
    .join('')
    .trim();
  return `${first} on ${second}`;
}

function charactersOf(text: string): string[] {
  return splitAtEmoji(text).flatMap((part, n) => (n % 2 === 1 ? [part] : Array.from(part)));
}
