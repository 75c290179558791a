import { captureFacts } from './capture-facts.ts';
import { captureActions } from './capture-actions.ts';
import { hashOf, isActive, statusMark } from './capture-words.ts';
import { el, setText } from './elements.ts';
import { metricsPart } from './metrics-part.ts';
import { ApiFailure, messageOf, pathOf } from './page-api.ts';
import type { PageContext, PageView } from './page-view.ts';
import { repeat, WAITS } from './repeating.ts';
import { replayPart } from './replay-part.ts';
import { reportPart } from './report-part.ts';
import type { CaptureAnswer } from './wire-data.ts';
import { verificationPart } from './verification-part.ts';

/** What is shown of a capture besides its head. */
export const CAPTURE_PARTS = {
  overview: 'Overview',
  report: 'Report',
  verification: 'Verification',
};
const REPLAY_PARTS = { overview: 'Overview', report: 'Result' };
export type CapturePartName = keyof typeof CAPTURE_PARTS;

/** A part of a capture's view. */
interface CapturePart {
  readonly element: HTMLElement;
  /** Told of each answer about the capture, the first before anything else. */
  readonly show?: (capture: CaptureAnswer) => void;
  readonly redraw?: () => void;
  readonly leave?: () => void;
}

/** One capture. @param ref its id or name, as the page's address has it. */
export function captureView(context: PageContext, ref: string, name: CapturePartName): PageView {
  const { api } = context;
  let status: string | null = null;
  let hadFailed = false;
  /** What is there when the first answer has come. */
  let shown: { readonly path: string; readonly parts: readonly CapturePart[] } | null = null;

  const heading = el('h1', { tabindex: -1 }, `Capture ${ref}`);
  const environment = el('p', { class: 'kind' });
  const mark = el('p', { class: 'mark' });
  const failure = el('p', { class: 'failure', role: 'alert', hidden: true });
  const body = el('div');

  /** From then on it is asked for by its id: its name may change. */
  const begin = (capture: CaptureAnswer): NonNullable<typeof shown> => {
    const path = pathOf`captures/${String(capture.id)}`;
    const actions = captureActions(context, path, () => poll.again());
    const part = partOf(context, path, name, capture);
    const tabs = el('nav', { 'aria-label': 'Of this capture', class: 'tabs' });
    tabs.append(...tabLinks(capture, name));
    body.append(actions.element, tabs, part.element);
    return { path, parts: [actions, part] };
  };
  const show = (capture: CaptureAnswer): void => {
    setText(heading, capture.name);
    const noun = capture.type === 'REPLAY' ? 'Replay' : 'Capture';
    setText(environment, `${noun} ${capture.id} of ${capture.environment}`);
    document.title = `${heading.textContent} – captures`;
    if (capture.status !== status) {
      mark.replaceChildren(statusMark(capture.status));
      if (status !== null) context.say(`${capture.name} is ${capture.status} now`);
      status = capture.status;
    }
    shown ??= begin(capture);
    for (const part of shown.parts) part.show?.(capture);
  };
  const poll = repeat(
    async (signal) => {
      const path = shown?.path ?? pathOf`captures/${ref}`;
      const capture = await api.ask<CaptureAnswer>('GET', path, { signal });
      failure.hidden = true;
      body.hidden = false;
      if (hadFailed) context.say('The server answers again');
      hadFailed = false;
      show(capture);
      return isActive(capture) ? WAITS.active : WAITS.calm;
    },
    (error) => {
      hadFailed = true;
      setText(failure, messageOf(error));
      failure.hidden = false;
      // What is not there any more has no parts.
      if (error instanceof ApiFailure && error.status === 404) body.hidden = true;
    },
  );
  return {
    title: `Capture ${ref}`,
    element: el(
      'div',
      { class: 'capture' },
      el('p', {}, el('a', { href: '#/captures' }, '← All captures')),
      environment,
      heading,
      mark,
      failure,
      body,
    ),
    onKey: ({ key }) => {
      if (key !== 'Escape') return false;
      context.go('#/captures');
      return true;
    },
    redraw: () => shown?.parts.forEach((part) => part.redraw?.()),
    leave: () => {
      poll.end();
      shown?.parts.forEach((part) => part.leave?.());
    },
  };
}

function partOf(
  context: PageContext,
  path: string,
  name: CapturePartName,
  { type }: CaptureAnswer,
): CapturePart {
  // It has no record of its own that could be verified.
  if (type === 'REPLAY' && name !== 'overview') return replayPart(context, path);
  switch (name) {
    case 'overview':
      return overviewPart(context, path);
    case 'report':
      return reportPart(context, path);
    case 'verification':
      return verificationPart(context, path);
  }
}

function overviewPart(context: PageContext, path: string): CapturePart {
  const facts = captureFacts(context.api);
  const metrics = metricsPart(context, path);
  return {
    ...metrics,
    element: el('div', {}, facts.element, metrics.element),
    show: (capture) => {
      facts.show(capture);
      metrics.show(capture);
    },
  };
}

function tabLinks(capture: CaptureAnswer, current: CapturePartName): HTMLElement[] {
  const parts = capture.type === 'REPLAY' ? REPLAY_PARTS : CAPTURE_PARTS;
  return Object.entries(parts).map(([name, text]) =>
    el(
      'a',
      {
        href: name === 'overview' ? hashOf(capture) : `${hashOf(capture)}/${name}`,
        'aria-current': name === current ? 'page' : null,
      },
      text,
    ),
  );
}
