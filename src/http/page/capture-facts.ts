import { formatBytes, formatCount } from '../../core/units.ts';
import { lengthOf } from './capture-words.ts';
import { el, fact } from './elements.ts';
import type { PageApi } from './page-api.ts';
import { relativeText, wholeTime } from './shown-times.ts';
import type { CaptureAnswer, OptionsAnswer } from './wire-data.ts';

/** What is known of a capture: names and values. */
export function captureFacts(api: PageApi): {
  readonly element: HTMLElement;
  readonly show: (capture: CaptureAnswer) => void;
} {
  const list = el('dl', { class: 'facts' });
  let shown = '';
  return {
    element: list,
    show: (capture) => {
      const now = api.now();
      const state = JSON.stringify([capture, lengthOf(capture, now)]);
      // What is the same is left alone: somebody may be selecting it.
      if (state === shown) return;
      shown = state;
      list.replaceChildren(...factsOf(capture, now));
    },
  };
}

function factsOf(capture: CaptureAnswer, now: number): HTMLElement[] {
  const { start, end, scheduledStart, scheduledEnd, reason, trouble, workload, replayed } = capture;
  const facts: HTMLElement[] = [];
  if (reason !== null) facts.push(wide(fact('Reason', reason)));
  if (trouble !== null) {
    facts.push(wide(fact('Trouble', trouble.reason, ' since ', wholeTime(trouble.since))));
  }
  if (workload !== null) facts.push(big(fact('Records', formatCount(workload.records))));
  if (replayed !== null) {
    facts.push(
      big(fact('Sent', formatCount(replayed.sent))),
      big(fact('Skipped', formatCount(replayed.skipped))),
      big(fact('Failed', formatCount(replayed.failed))),
    );
  }
  const length = lengthOf(capture, now);
  if (length !== '') {
    facts.push(big(fact(start === null ? 'Planned length' : 'Length', length)));
  }
  const moments: [string, string | null][] = [
    ['Scheduled start', scheduledStart],
    ['Start', start],
    ['End', end],
    ['Ends by itself', end === null ? scheduledEnd : null],
  ];
  for (const [name, time] of moments) {
    if (time !== null) {
      const soft = el('span', { class: 'soft' }, ` · ${relativeText(time, now)}`);
      facts.push(fact(name, wholeTime(time), soft));
    }
  }
  facts.push(fact('Owner', capture.owner), fact('Environment', capture.environment));
  if (workload?.textBytes != null) facts.push(fact('Text', formatBytes(workload.textBytes)));
  if (workload?.fileBytes != null) facts.push(fact('Files', formatBytes(workload.fileBytes)));
  if (capture.type === 'REPLAY') return facts;
  facts.push(
    fact('Recorded', capture.options === null ? 'metrics alone' : recordedText(capture.options)),
  );
  return facts;
}

function recordedText(options: OptionsAnswer): string {
  const lists: [string, readonly string[]][] = [
    ['only', options.only],
    ['users', options.includeUsers],
    ['without users', options.excludeUsers],
    ['databases', options.includeDatabases],
    ['without databases', options.excludeDatabases],
    ['hosts', options.includeHosts],
  ];
  const texts = lists.flatMap(([name, list]) =>
    list.length === 0 ? [] : [`${name} ${list.join(', ')}`],
  );
  if (options.sample !== null && options.sample > 1) texts.push(`1/${options.sample} of sessions`);
  if (options.redact !== null) texts.push(`${options.redact} redacted`);
  if (options.maxSize !== null) texts.push(`until its files reach ${formatBytes(options.maxSize)}`);
  return texts.length === 0 ? 'every statement' : texts.join('; ');
}

function wide(element: HTMLElement): HTMLElement {
  element.classList.add('wide');
  return element;
}

function big(element: HTMLElement): HTMLElement {
  element.lastElementChild?.classList.add('big');
  return element;
}
