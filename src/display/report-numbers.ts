import { DURATION_UNITS, formatCount, formatDuration } from '../core/units.ts';
import { formatScaled, scaleFor } from './metrics-units.ts';

interface AsciiView {
  /** Whether only ASCII can be shown. */
  readonly ascii: boolean;
}

/** A share in whole per cent: `80 %`; neither none nor all where it is not quite that. */
export function roundedShare(share: number): string {
  const percent = Math.round(share * 100);
  if (percent === 0 && share > 0) return '<1 %';
  return percent >= 100 && share < 1 ? '>99 %' : `${Math.min(percent, 100)} %`;
}

/** Statements/s as a screen shows it: `12,345`, `42.5`, `0.067`, `<0.001`. */
export function rateText(perSecond: number): string {
  if (perSecond >= 999.5) return formatCount(Math.round(perSecond));
  return formatScaled(perSecond, scaleFor('Count', 1));
}

/** A length of time in the unit that suits it: `120µs`, `1.25ms`, `3.1s`. */
export function millisecondsText(ms: number, { ascii }: AsciiView): string {
  const scale = scaleFor('Seconds', ms / 1_000);
  const text = `${formatScaled(ms / 1_000, scale)}${scale.unit}`;
  return ascii ? text.replace('µ', 'u') : text;
}

/** A length of time, rounded: `1.25ms`, `28.7s`, `3m 12s`, `1h 30m`. */
export function lengthText(ms: number, view: AsciiView): string {
  if (ms < DURATION_UNITS.m) return millisecondsText(ms, view);
  const { s, m, h, d } = DURATION_UNITS;
  const unit = ms < h ? s : ms < d ? m : h;
  return formatDuration(Math.round(ms / unit) * unit);
}
