/** `23 %`, `4.5 %`, `x12`: how far a factor is from 1, without its direction. */
export function percentChange(factor: number): string {
  if (factor >= 10) return factor >= 99_999.5 ? 'x>99999' : `x${Math.round(factor)}`;
  const percent = Math.abs(factor - 1) * 100;
  return `${percent.toFixed(percent >= 9.95 ? 0 : 1)} %`;
}

/** `+23 %`, `-40 %`, `x12`: how much B is more than A. */
export function signedChange(factor: number): string {
  if (factor >= 10) return percentChange(factor);
  return `${factor < 1 ? '-' : '+'}${percentChange(factor)}`;
}

/** `23 % more`, `4.5 % fewer`, `12 times as many`, `as many`. */
export function changeText(factor: number): string {
  if (Math.abs(factor - 1) < 0.000_5) return 'as many';
  if (factor >= 10) return `${percentChange(factor).slice(1)} times as many`;
  return `${percentChange(factor)} ${factor > 1 ? 'more' : 'fewer'}`;
}
