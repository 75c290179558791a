import type { ReplayReport } from '../../../core/replays/replay-report.ts';
import { SKIP_REASONS, type ReplayOptions } from '../../../core/replays/replay.ts';
import { formatCount } from '../../../core/units.ts';
import { lengthText, rateText } from '../../../display/report-numbers.ts';
import { otherOptionTexts, speedText } from '../replay/replay-words.ts';
import { SKIP_TEXTS } from '../replay/skip-texts.ts';
import { timeMarkup } from './head.ts';
import { markup, type Markup, NOTHING } from './markup.ts';
import { timeText } from './row-columns.ts';

/** How a record was replayed: `as fast as recorded, read-only, 8 connections at most`. */
export function optionsText(options: ReplayOptions): string {
  const access = options.writes ? 'with writes' : 'read-only';
  return [speedText(options), access, ...otherOptionTexts(options, 'UTC')].join(', ');
}

/** What was replayed, where, and how it went. */
export function replayFacts({ replay, result, start, status, id }: ReplayReport): Markup {
  const { source, target, options } = replay;
  const { lateMs, latency, sessions } = result;
  const server =
    source.server === null ? '' : ` (${source.server.flavor} ${source.server.version})`;
  return markup`<dl class="facts">
    <div class="wide">
      <dt>Record</dt>
      <dd>${source.environmentName}/${source.captureName}${server}, ${optionsText(options)}</dd>
    </div>
    <div>
      <dt>Target</dt>
      <dd class="big">${target === null ? 'unknown' : `${target.flavor} ${target.version}`}</dd>
    </div>
    <div>
      <dt>Statements</dt>
      <dd class="big">${formatCount(result.statements.sent)}</dd>
    </div>
    <div>
      <dt>Rate</dt>
      <dd class="big">${`${rateText(result.perSecond)}/s`}</dd>
    </div>
    <div>
      <dt>Latency, 99 %</dt>
      <dd class="big">${latency === null ? '-' : timeText(latency.p99Ms)}</dd>
    </div>
    <div>
      <dt>Late, 99 %</dt>
      <dd class="big">${lateMs === null ? '-' : timeText(lateMs.p99Ms)}</dd>
    </div>
    <div>
      <dt>Took</dt>
      <dd>
        ${lengthText(result.tookMs, { ascii: false })} for ${lengthText(result.recordedMs, { ascii: false })} of
        the record${start === null ? NOTHING : markup`, from ${timeMarkup(start)}`}
      </dd>
    </div>
    <div>
      <dt>Sessions</dt>
      <dd>
        ${formatCount(sessions.recorded)} recorded, ${formatCount(sessions.opened)} opened, at most
        ${formatCount(sessions.mostAtOnce)} at once, ${formatCount(sessions.lost)} lost
      </dd>
    </div>
    <div>
      <dt>Replay</dt>
      <dd>${status}, id ${id}</dd>
    </div>
  </dl>`;
}

/** Every record of the workload: sent, skipped by reason, failed by error; the sums can be seen. */
export function accountingTable({ result }: ReplayReport): Markup {
  const { statements } = result;
  const messages = new Map(result.errors.map(({ code, message }) => [code, message]));
  const sum = (counts: Readonly<Record<string, number | undefined>>): number =>
    Object.values(counts).reduce<number>((all, count) => all + (count ?? 0), 0);
  const row = (name: string, all: number, ofThem: number, isPart = false): Markup =>
    markup`<tr><th scope="row"${isPart ? markup` class="part"` : NOTHING}>${name}</th><td>${formatCount(all)}</td><td>${formatCount(ofThem)}</td></tr>`;
  const reasons = SKIP_REASONS.filter((reason) => (result.skipped[reason] ?? 0) > 0);
  return markup`<div class="scroll" role="region" aria-labelledby="accounting" tabindex="0"><table class="sides accounting">
      <thead><tr><td></td><th scope="col">Records</th><th scope="col">Queries and executes</th></tr></thead>
      <tbody>
        ${row('Sent', result.sent, statements.sent)}
        ${row('Skipped', sum(result.skipped), sum(statements.skipped))}
        ${reasons.map((reason) => row(SKIP_TEXTS[reason], result.skipped[reason] ?? 0, statements.skipped[reason] ?? 0, true))}
        ${row('Failed', sum(result.failed), sum(statements.failed))}
        ${Object.entries(result.failed).map(([code, count]) => {
          const message = messages.get(code) ?? '';
          const name = message === '' ? `error ${code}` : `error ${code}: ${message}`;
          return row(name, count, statements.failed[code] ?? 0, true);
        })}
      </tbody>
      <tfoot>${row('All', result.records, statements.records)}</tfoot>
    </table></div>`;
}
