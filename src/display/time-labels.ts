const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `14:05`, `14:05:30` where seconds matter, `11-22` where days are enough. */
export function clockLabel(wall: number, step: number): string {
  const iso = new Date(wall).toISOString();
  if (step >= DAY) return iso.slice(5, 10);
  if (step < MINUTE) return iso.slice(11, 19);
  return iso.slice(11, 16);
}

/** `+0s`, `+90m`, `-15m`: time since the start of a capture. */
export function elapsedLabel(elapsed: number, step: number): string {
  const sign = elapsed < 0 ? '-' : '+';
  const size = Math.abs(elapsed);
  const [unit, length]: readonly [string, number] =
    step >= DAY
      ? ['d', DAY]
      : step >= HOUR || (size >= 3 * HOUR && size % HOUR === 0)
        ? ['h', HOUR]
        : step >= MINUTE
          ? ['m', MINUTE]
          : ['s', SECOND];
  return `${sign}${Math.round(size / length)}${unit}`;
}
