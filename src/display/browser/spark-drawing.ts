const SVG = 'http://www.w3.org/2000/svg';
const HIGHEST = 9;

/** A small picture of when: a bar for each character of `1` to `9`, none for a blank. */
export function sparkline(spark: string): SVGSVGElement {
  const picture = document.createElementNS(SVG, 'svg');
  picture.setAttribute('class', 'spark');
  picture.setAttribute('viewBox', `0 0 ${Math.max(spark.length, 1)} ${HIGHEST}`);
  picture.setAttribute('preserveAspectRatio', 'none');
  picture.setAttribute('aria-hidden', 'true');
  const bars = document.createElementNS(SVG, 'path');
  const drawn = Array.from(spark, (height, x) =>
    height === ' ' ? '' : `M${x} ${HIGHEST}v-${height}h1v${height}z`,
  );
  bars.setAttribute('d', drawn.join(''));
  picture.append(bars);
  return picture;
}
