import { counted, formatCount, formatDuration } from '../../core/units.ts';
import { button, el, fact } from './elements.ts';
import { isAbort } from './page-api.ts';
import type { PageContext } from './page-view.ts';
import { readingProgress } from './reading-progress.ts';
import type { ReadingEvent, VerificationAnswer } from './wire-data.ts';

/** Whether the record is complete: read and weighed when it is looked at. */
export function verificationPart({ api }: PageContext, path: string) {
  let controller = new AbortController();
  const element = el('div', { class: 'verification' });
  const run = async (): Promise<void> => {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    const progress = readingProgress('Reading everything that was recorded …');
    element.replaceChildren(progress.element);
    const following = api.follow<ReadingEvent, VerificationAnswer>('GET', `${path}/verification`, {
      signal,
    });
    try {
      const verification = await progress.until(following);
      element.replaceChildren(
        ...resultElements(verification),
        el('div', { class: 'buttons' }, again()),
      );
    } catch (error) {
      if (isAbort(error)) return;
      progress.fail(error);
      element.append(el('div', { class: 'buttons' }, again()));
    }
  };
  const again = (): HTMLButtonElement => button('Verify again', () => void run());
  void run();
  return { element, leave: () => controller.abort() };
}

function resultElements({ result, took }: VerificationAnswer): HTMLElement[] {
  const { verdict, line, problems, notes, recorded, received, missing, missingAtMost } = result;
  const facts: HTMLElement[] = [];
  if (recorded !== null) facts.push(fact('Commands in the record', formatCount(recorded)));
  if (received !== null) {
    const { min, max } = received;
    const text = min === max ? formatCount(min) : `${formatCount(min)} to ${formatCount(max)}`;
    facts.push(fact('Received by the server', text));
  }
  if (missing !== null) facts.push(fact('Missing', missingText(missing, missingAtMost)));
  facts.push(fact('Took', formatDuration(took)));
  return [
    el('p', { class: `verdict ${verdict}`, role: 'status' }, line),
    ...listOf(problems.map(({ what }) => what)),
    ...listOf(notes),
    el('dl', { class: 'facts' }, ...facts),
  ];
}

function missingText(atLeast: number, atMost: number | null): string {
  if (atMost === null) return `at least ${counted(atLeast, 'command')}`;
  if (atMost === atLeast) return counted(atLeast, 'command');
  return atLeast === 0
    ? `at most ${counted(atMost, 'command')}`
    : `${formatCount(atLeast)} to ${counted(atMost, 'command')}`;
}

function listOf(texts: readonly string[]): HTMLElement[] {
  return texts.length === 0 ? [] : [el('ul', {}, ...texts.map((text) => el('li', {}, text)))];
}
