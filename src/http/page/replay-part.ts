import { counted, formatCount } from '../../core/units.ts';
import { lengthText, millisecondsText, rateText } from '../../display/report-numbers.ts';
import { isActive } from './capture-words.ts';
import { el, fact } from './elements.ts';
import { isAbort, messageOf } from './page-api.ts';
import type { PageContext } from './page-view.ts';
import type { CaptureAnswer, ReplayAnswer, ReplayResultAnswer } from './wire-data.ts';

/** Digests that are shown: those with the most time. */
const MOST_ROWS = 50;
const UNITS = { ascii: false };

/** What came of a replay: asked for once it is over. */
export function replayPart({ api }: PageContext, path: string) {
  let controller: AbortController | null = null;
  const element = el('div', { class: 'report' });
  const load = async (signal: AbortSignal): Promise<void> => {
    try {
      const replay = await api.ask<ReplayAnswer>('GET', `${path}/replay`, { signal });
      element.replaceChildren(...resultElements(replay));
    } catch (error) {
      if (isAbort(error)) return;
      element.replaceChildren(el('p', { class: 'failure', role: 'alert' }, messageOf(error)));
    }
  };
  return {
    element,
    show: (capture: CaptureAnswer): void => {
      if (controller !== null) return;
      if (isActive(capture)) {
        element.replaceChildren(el('p', {}, 'It is still being replayed.'));
        return;
      }
      controller = new AbortController();
      void load(controller.signal);
    },
    leave: () => controller?.abort(),
  };
}

function resultElements({ replay, result, reason }: ReplayAnswer): HTMLElement[] {
  const { source, target } = replay;
  const of = fact('Record', `${source.environmentName}/${source.captureName}`);
  const to = target === null ? [] : [fact('Target', `${target.flavor} ${target.version}`)];
  if (result === null) {
    return [
      el('p', {}, `It has no result${reason === null ? '' : `: ${reason}`}.`),
      el('dl', { class: 'facts' }, of, ...to),
    ];
  }
  const { latency, lateMs, rows } = result;
  const more = rows.length - MOST_ROWS;
  return [
    ...result.warnings.map((warning) => el('p', { class: 'why' }, warning)),
    el(
      'dl',
      { class: 'facts' },
      of,
      ...to,
      fact('Took', lengthText(result.tookMs, UNITS)),
      fact('Rate', `${rateText(result.perSecond)}/s`),
      ...(latency === null
        ? []
        : [
            fact('Latency', millisecondsText(latency.averageMs, UNITS)),
            fact('99 %', millisecondsText(latency.p99Ms, UNITS)),
          ]),
      ...(lateMs === null ? [] : [fact('Late, 99 %', millisecondsText(lateMs.p99Ms, UNITS))]),
    ),
    tableOf('What became of every record', ['Records', ''], accounting(result)),
    tableOf(
      more > 0 ? `Digests: ${counted(more, 'more digest')} not shown` : 'Digests',
      ['Answers', 'Errors', 'Average', '99 %', 'Statement'],
      rows
        .slice(0, MOST_ROWS)
        .map(({ count, errors, averageMs, p99Ms, text }) => [
          formatCount(count),
          formatCount(errors),
          millisecondsText(averageMs, UNITS),
          millisecondsText(p99Ms, UNITS),
          text,
        ]),
    ),
  ];
}

function accounting({ sent, skipped, failed, records, errors }: ReplayResultAnswer): string[][] {
  return [
    [formatCount(sent), 'sent'],
    ...Object.entries(skipped).map(([name, count]) => [formatCount(count), `skipped: ${name}`]),
    ...Object.entries(failed).map(([code, count]) => {
      const message = errors.find((error) => error.code === code)?.message ?? '';
      return [formatCount(count), `failed: ${code} ${message}`];
    }),
    [formatCount(records), 'in the record'],
  ];
}

function tableOf(
  caption: string,
  headers: readonly string[],
  rows: readonly (readonly string[])[],
): HTMLElement {
  return el(
    'div',
    { class: 'scroll' },
    el(
      'table',
      {},
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, ...headers.map((text) => el('th', { scope: 'col' }, text)))),
      el(
        'tbody',
        {},
        ...rows.map((cells) =>
          el(
            'tr',
            {},
            ...cells.map((text, index) =>
              el('td', { class: index < cells.length - 1 ? 'number' : null }, text),
            ),
          ),
        ),
      ),
    ),
  );
}
