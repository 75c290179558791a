import { RECORD_EVERYTHING } from '../../../core/captures/recording-options.ts';
import type { ReportHead } from '../../../core/reports/report-comparison.ts';
import { shareText } from '../../../core/verification/value-counts.ts';
import type { StatementFlag } from '../../../core/workloads/statements.ts';
import { counted, formatCount, formatUtc } from '../../../core/units.ts';
import { recordedText } from '../options-text.ts';
import { ABSENCES, knownTimesText, unmeasuredText } from '../report/report-head.ts';
import { digestsSeen, sessionsSeen, unlistedTexts } from '../report/report-unlisted.ts';
import { lengthText, rateText } from '../../../display/report-numbers.ts';
import { markup, type Markup, NOTHING } from './markup.ts';

/** What the script adds the viewer's own time to. */
export function timeMarkup(time: string): Markup {
  return markup`<time datetime="${time}">${formatUtc(time)}</time>`;
}

/** `shop/friday`, of a report. */
export function nameOf({ capture }: ReportHead): string {
  return `${capture.environment}/${capture.name}`;
}

/** The window, and what was recorded in it. */
export function windowFacts(head: ReportHead): Markup {
  const { window, sessions, capture } = head;
  const { from, to, seconds, isOpen } = window;
  const when =
    from === null || to === null
      ? markup`nothing was recorded`
      : markup`${timeMarkup(from)} to ${timeMarkup(to)}
        (${lengthText(seconds * 1_000, { ascii: false })}${isOpen ? ', still recording' : ''})`;
  const server =
    capture.server === null ? 'unknown' : `${capture.server.flavor} ${capture.server.version}`;
  const classes = head.byClass.map(({ name, count }) => `${name ?? 'other'} ${formatCount(count)}`);
  return markup`<dl class="facts">
    <div class="wide">
      <dt>Window</dt>
      <dd>${when}</dd>
    </div>
    <div>
      <dt>Statements</dt>
      <dd class="big">${formatCount(head.statements)}</dd>
    </div>
    <div>
      <dt>Rate</dt>
      <dd class="big">${`${rateText(head.perSecond)}/s`}</dd>
    </div>
    <div>
      <dt>Digests</dt>
      <dd class="big">${digestsSeen(head)}</dd>
    </div>
    <div>
      <dt>Sessions</dt>
      <dd>
        <b>${sessionsSeen(head)}</b> sent statements; ${formatCount(sessions.opened)} logged in and
        ${formatCount(sessions.closed)} ended in the window
      </dd>
    </div>
    <div>
      <dt>Classes</dt>
      <dd>${classes.length === 0 ? 'none' : classes.join(', ')}</dd>
    </div>
    <div>
      <dt>Server</dt>
      <dd>${server}</dd>
    </div>
    <div>
      <dt>Capture</dt>
      <dd>${capture.status}, id ${capture.id}</dd>
    </div>
  </dl>`;
}

/** The last line of a verification, what is wrong with the record, and when. */
export function verdictMarkup({ verdict, gaps }: ReportHead): Markup {
  const shown = gaps.slice(0, MOST_GAPS);
  return markup`<p class="verdict ${verdict.verdict}">${verdict.line}</p>
    ${listOf(verdict.problems.filter(({ kind }) => kind !== 'gap').map(({ what }) => what))}
    ${
      shown.length === 0
        ? NOTHING
        : markup`<div class="scroll" role="region" aria-label="Gaps" tabindex="0"><table class="gaps">
            <caption>
              Gaps: statements may be missing here
            </caption>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col">Missing</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              ${shown.map(
                ({ from, to, missing, reason }) =>
                  markup`<tr>
                    <td>${edge(from)}</td>
                    <td>${edge(to)}</td>
                    <td>${missing === null ? 'unknown' : counted(missing, 'command')}</td>
                    <td>${reason}</td>
                  </tr>`,
              )}
            </tbody>
          </table></div>`
    }
    ${gaps.length > shown.length ? markup`<p>and ${counted(gaps.length - shown.length, 'more gap')}</p>` : NOTHING}
    ${listOf(verdict.notes)}`;
}

const MOST_GAPS = 20;

function edge(time: string | null): Markup {
  return time === null ? markup`unknown` : timeMarkup(time);
}

/** What the numbers cover, and what is flagged: sentences. */
export function coverageMarkup(head: ReportHead): Markup {
  const sentences = [...coverageOf(head), ...flagsOf(head.byFlag)];
  return listOf(sentences);
}

function coverageOf(head: ReportHead): string[] {
  const { coverage, verdict } = head;
  const { records, values, times, timesAbsence, sample, leftOut, isRedacted } = coverage;
  const found: string[] = [
    records.read === records.committed
      ? `All ${counted(records.committed, 'record')} could be read`
      : `Only ${formatCount(records.read)} of ${counted(records.committed, 'record')} could be read: counts and rates are at least these`,
  ];
  if (coverage.isFiltered || (sample !== null && sample > 1) || isRedacted || leftOut > 0) {
    const redact = isRedacted ? ('literals' as const) : null;
    const text = recordedText({ ...RECORD_EVERYTHING, ...coverage.filters, sample, redact });
    const rows =
      leftOut === 0 ? '' : `; ${counted(leftOut, 'row')} of the log left out as requested`;
    found.push(`Recorded: ${text}${rows}`);
  }
  // The verdict says it, but of damaged files.
  if (values !== null && verdict.verdict === 'damaged')
    found.push(`Values are known for ${shareText(values)} of executes`);
  if (times !== null) {
    found.push(`Times are ${knownTimesText(coverage, times)}`);
  }
  const unmeasured = unmeasuredText(head);
  if (unmeasured !== null) found.push(`Times are incomplete: ${unmeasured}`);
  for (const { why, from, to } of timesAbsence.slice(0, MOST_ABSENCES)) {
    const when = from === null || to === null ? '' : ` (${formatUtc(from)} to ${formatUtc(to)})`;
    found.push(`Times are ${times === null ? 'unknown' : 'incomplete'}: ${ABSENCES[why]}${when}`);
  }
  for (const text of unlistedTexts(head)) found.push(`Not listed: ${text}`);
  return found;
}

const MOST_ABSENCES = 10;

function flagsOf(byFlag: ReportHead['byFlag']): string[] {
  const flags = Object.entries(FLAGS) as [StatementFlag, string][];
  return flags.flatMap(([flag, meaning]) =>
    byFlag[flag] > 0 ? [`Flagged ${flag}: ${counted(byFlag[flag], 'statement')} ${meaning}`] : [],
  );
}

const FLAGS: Readonly<Record<StatementFlag, string>> = {
  unreplayable: 'without values or data',
  lossy: 'in which the server may have changed bytes',
  partial: 'cut short',
  redacted: 'from which a secret was removed',
  echo: 'that repeat the row before them and are not counted',
};

/** A list of sentences; nothing where there is none. */
export function listOf(sentences: readonly string[]): Markup {
  if (sentences.length === 0) return NOTHING;
  return markup`<ul>
    ${sentences.map((sentence) => markup`<li>${sentence}</li>`)}
  </ul>`;
}
