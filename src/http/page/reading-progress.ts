import { formatBytes, formatCount } from '../../core/units.ts';
import { el, setText } from './elements.ts';
import { messageOf } from './page-api.ts';
import type { ReadingEvent } from './wire-data.ts';

/** How far an operation has come that reads what was recorded. */
export interface ReadingProgress {
  readonly element: HTMLElement;
  /** Shows what comes, until the result. @throws what the operation throws. */
  readonly until: <Result>(run: AsyncGenerator<ReadingEvent, Result, void>) => Promise<Result>;
  /** Shows why there is none. */
  readonly fail: (error: unknown) => void;
}

export function readingProgress(doing: string): ReadingProgress {
  const text = el('p', { role: 'status' }, doing);
  const numbers = el('p', { class: 'soft' });
  const bar = el('progress', { 'aria-label': doing });
  const element = el('div', { class: 'progress' }, text, bar, numbers);
  return {
    element,
    until: async (run) => {
      for (;;) {
        const step = await run.next();
        if (step.done === true) return step.value;
        const event = step.value;
        const [done, of] =
          event.type === 'counted' ? [event.bytes, event.of] : [event.records, event.of];
        setText(numbers, progressText(event));
        if (of !== null && of > 0) {
          bar.max = of;
          bar.value = Math.min(done, of);
        }
      }
    },
    fail: (error) => {
      const failure = el('p', { class: 'failure', role: 'alert' });
      element.replaceChildren(failure);
      // After it is there: an alert is heard when its text comes.
      setText(failure, messageOf(error));
    },
  };
}

function progressText(event: ReadingEvent): string {
  if (event.type === 'counted') return `${formatBytes(event.bytes)} of ${formatBytes(event.of)}`;
  const of = event.of === null ? '' : ` of ${formatCount(event.of)}`;
  return `${formatCount(event.records)}${of} records`;
}
