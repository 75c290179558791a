import { summarise, type Summary } from '../../../core/metrics/metric-series.ts';
import type { MetricReport } from '../../../core/metrics/metric-service.ts';
import { counted } from '../../../core/units.ts';
import { align, change, sizeOfChange } from '../charts/metrics-compare.ts';
import { plainUnit } from '../charts/metrics-overview.ts';
import { formatScaled, scaleFor } from '../../../display/metrics-units.ts';
import { escapeText } from '../../../display/escape.ts';
import type { ReportView } from '../report/report-view.ts';
import { shellQuoted } from '../shell-quoting.ts';
import { fillLines } from '../width.ts';

/** A whole table of metrics would push the changes off a screen of 24 lines. */
const MOST = 4;

/** Of fewer points one more or less makes an average. */
const FEW_POINTS = 20;

/** Whether the change may be that of a single point: there are few, and those of A and B lie among each other. */
function isDoubtful({
  before,
  after,
}: {
  readonly before: Summary;
  readonly after: Summary;
}): boolean {
  const isFew = Math.min(before.points, after.points) < FEW_POINTS;
  return isFew && before.min <= after.max && after.min <= before.max;
}

/**
 * The metrics whose averages changed most from A to B, and where the others are; none without metrics of both.
 * @param refs of the captures, as they were asked for.
 */
export function metricsLines(
  { a, b }: { readonly a: MetricReport; readonly b: MetricReport },
  refs: { readonly a: string; readonly b: string },
  view: ReportView,
): readonly string[] {
  const aligned = align(a, b, { statistic: null });
  if (aligned === null) return [];
  const compared = aligned.pairs.flatMap((pair) => {
    const before = summarise(pair.a, aligned.counted[0], null);
    const after = summarise(pair.b, aligned.counted[1], null);
    return before === null || after === null ? [] : [{ metric: pair.a.metric, before, after }];
  });
  if (compared.length === 0) return [];
  const changed = compared
    .map((one) => ({ ...one, size: sizeOfChange([one.before, one.after]) }))
    .filter(({ size }) => size > 0)
    .toSorted(
      (one, other) => Number(isDoubtful(one)) - Number(isDoubtful(other)) || other.size - one.size,
    )
    .slice(0, MOST)
    .map(({ metric, before, after }) => {
      const scale = scaleFor(metric.unit, before.avg, after.avg);
      const [from, to] = [before, after].map(({ avg }) => formatScaled(avg, scale));
      const unit = plainUnit(scale.unit, view);
      const how = change(before.avg, after.avg);
      const values = `${from} to ${to}${unit === '' ? '' : ` ${unit}`}`;
      return [escapeText(metric.type), `${values}${how === '-' ? '' : ` (${how})`}`];
    });
  const what =
    changed.length === 0
      ? `${counted(compared.length, 'metric')}, none of them different.`.split(' ')
      : changed.flatMap(([name = '', values = ''], index) => [
          ...name.split(' '),
          `${values}${index === changed.length - 1 ? '.' : ','}`,
        ]);
  const command = `captures metrics ${shellQuoted(refs.a)} --compare ${shellQuoted(refs.b)}`;
  // To be pasted, so in one line where there is one that is as long.
  const units = command.length <= view.width ? [command] : command.split(' ');
  return fillLines(['Metrics:', ...what, 'All:', ...units], view.width);
}
