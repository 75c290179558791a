import { counted, formatCount } from '../../core/units.ts';
import { captureFilter } from './capture-filter.ts';
import { hashOf, isActive, lengthOf, momentOf, statusMark } from './capture-words.ts';
import { button, el, setText } from './elements.ts';
import { ApiFailure, messageOf } from './page-api.ts';
import type { PageContext, PageView } from './page-view.ts';
import { repeat, WAITS } from './repeating.ts';
import { relativeText, shortTime, VIEWER_ZONE } from './shown-times.ts';
import type { CaptureAnswer, EnvironmentAnswer } from './wire-data.ts';

/** So many captures at first, and more at each "more". */
const PAGE = 50;

/** The capture that was opened last: who comes back finds it under the focus. */
let lastOpened: number | null = null;

/** The list of captures, newest first, with a filter. @param asked the filter in the page's address. */
export function capturesView(context: PageContext, asked: URLSearchParams): PageView {
  const { api } = context;
  let limit = PAGE;
  let focusAfter: 'more' | 'opened' | null = lastOpened === null ? null : 'opened';

  const failure = el('p', { class: 'failure', role: 'alert', hidden: true });
  const count = el('p', { class: 'count', role: 'status' });
  const rows = new CaptureRows();
  const more = button('Show more', () => {
    limit += PAGE;
    focusAfter = 'more';
    poll.again();
  });
  more.hidden = true;
  const filter = captureFilter(asked, () => {
    limit = PAGE;
    history.replaceState(null, '', filter.hash());
    poll.again();
  });

  const show = (captures: readonly CaptureAnswer[], hasMore: boolean): void => {
    const before = rows.size;
    rows.show(captures, api.now());
    rows.table.hidden = captures.length === 0;
    more.hidden = !hasMore;
    const found = counted(captures.length, 'capture');
    setText(
      count,
      captures.length === 0
        ? filter.isEmpty()
          ? 'No captures yet. Start one with “New capture”.'
          : 'No capture is found by this filter.'
        : hasMore
          ? `The newest ${found}`
          : found,
    );
    if (focusAfter === 'more') rows.focus(before);
    // Whoever has begun to do something else is left alone.
    if (focusAfter === 'opened' && isIdle()) rows.focusOf(lastOpened);
    focusAfter = null;
  };
  const poll = repeat(
    async (signal) => {
      const query = { ...filter.query(), limit: String(limit + 1) };
      const captures = await api.ask<CaptureAnswer[]>('GET', 'captures', { query, signal });
      failure.hidden = true;
      show(captures.slice(0, limit), captures.length > limit);
      return captures.some(isActive) ? WAITS.active : WAITS.calm;
    },
    (error) => {
      setText(failure, messageOf(error));
      failure.hidden = false;
      if (!(error instanceof ApiFailure) || error.status === 0) return;
      // What is shown is not what was asked for.
      rows.table.hidden = true;
      more.hidden = true;
      count.replaceChildren();
    },
  );
  void api
    .ask<EnvironmentAnswer[]>('GET', 'environments')
    .then((environments) => filter.offer(environments.map(({ name }) => name)))
    // The list says what is wrong; without names to choose from the filter is as it was.
    .catch(() => undefined);

  const element = el(
    'div',
    { class: 'captures' },
    el('h1', { tabindex: -1 }, 'Captures'),
    filter.element,
    failure,
    count,
    rows.table,
    more,
    el(
      'p',
      { class: 'keys' },
      el('kbd', {}, '/'),
      ' filter  ',
      el('kbd', {}, '↑'),
      ' ',
      el('kbd', {}, '↓'),
      ' choose  ',
      el('kbd', {}, 'Enter'),
      ' open  ',
      el('kbd', {}, 'Esc'),
      ' clear or go back',
    ),
  );
  return {
    title: 'Captures',
    element,
    onKey: (event) => {
      if (event.key === '/') {
        filter.name.focus();
        filter.name.select();
        return true;
      }
      if (event.key === 'Escape') {
        if (filter.isEmpty()) return false;
        filter.clear();
        context.say('The filter is cleared');
        return true;
      }
      return rows.onKey(event);
    },
    leave: () => poll.end(),
  };
}

function isIdle(): boolean {
  const { activeElement } = document;
  return activeElement === document.body || activeElement?.tagName === 'H1';
}

interface Row {
  readonly element: HTMLTableRowElement;
  readonly link: HTMLAnchorElement;
  /** What is drawn: a row that says the same is left alone. */
  shown: string;
}

/** The rows of the list. They are kept from one answer to the next, so that focus and selection stay. */
class CaptureRows {
  readonly table: HTMLTableElement;
  readonly #body = el('tbody');
  readonly #rows = new Map<number, Row>();

  constructor() {
    const headers = ['Name', 'Status', 'Start', 'Length', 'Records', 'Owner'];
    this.table = el(
      'table',
      { class: 'list', hidden: true },
      el('caption', {}, `Newest first; times in ${VIEWER_ZONE}`),
      el('thead', {}, el('tr', {}, ...headers.map((text) => el('th', { scope: 'col' }, text)))),
      this.#body,
    );
    // The whole row is as good as its link, for who points.
    this.#body.addEventListener('click', ({ target }) => {
      if (!(target instanceof Element) || target.closest('a') !== null) return;
      if (getSelection()?.isCollapsed === false) return;
      target.closest('tr')?.querySelector('a')?.click();
    });
  }

  get size(): number {
    return this.#rows.size;
  }

  show(captures: readonly CaptureAnswer[], now: number): void {
    const ids = new Set(captures.map(({ id }) => id));
    for (const [id, { element }] of this.#rows) {
      if (ids.has(id)) continue;
      element.remove();
      this.#rows.delete(id);
    }
    let before: Element | null = null;
    for (const capture of captures) {
      const row = this.#rows.get(capture.id) ?? rowOf(capture);
      this.#rows.set(capture.id, row);
      const shown = JSON.stringify([capture, lengthOf(capture, now), relative(capture, now)]);
      if (shown !== row.shown) {
        fill(row, capture, now);
        row.shown = shown;
      }
      const next: Element | null =
        before === null ? this.#body.firstElementChild : before.nextElementSibling;
      if (next !== row.element) this.#body.insertBefore(row.element, next);
      before = row.element;
    }
  }

  focus(index: number): void {
    this.#links()[index]?.focus();
  }

  focusOf(id: number | null): void {
    if (id !== null) this.#rows.get(id)?.link.focus();
  }

  onKey(event: KeyboardEvent): boolean {
    const links = this.#links();
    const at = links.findIndex((link) => link === document.activeElement);
    const to = {
      ArrowDown: Math.min(at + 1, links.length - 1),
      ArrowUp: at === -1 ? links.length - 1 : Math.max(at - 1, 0),
      Home: 0,
      End: links.length - 1,
    }[event.key];
    // Home and End scroll, but for who is among the rows.
    if (to === undefined || (at === -1 && !event.key.startsWith('Arrow'))) return false;
    links[to]?.focus();
    return links.length > 0;
  }

  #links(): HTMLAnchorElement[] {
    return [...this.#body.querySelectorAll('a')];
  }
}

function rowOf(capture: CaptureAnswer): Row {
  const link = el('a', { href: hashOf(capture) });
  link.addEventListener('click', () => {
    lastOpened = capture.id;
  });
  return { element: el('tr'), link, shown: '' };
}

function relative(capture: CaptureAnswer, now: number): string {
  return relativeText(momentOf(capture), now);
}

/** The link stays the same element: it may have the focus. */
function fill({ element, link }: Row, capture: CaptureAnswer, now: number): void {
  const { name, environment, status, reason, trouble, workload, owner, type } = capture;
  setText(link, name);
  const why = trouble?.reason ?? reason;
  const cells = [
    [
      el(
        'span',
        { class: 'environment' },
        type === 'REPLAY' ? `${environment} · replay` : environment,
      ),
      ...(why === null ? [] : [el('span', { class: 'why' }, why)]),
    ],
    [statusMark(status)],
    [shortTime(momentOf(capture)), el('span', { class: 'soft' }, relative(capture, now))],
    [el('span', {}, lengthOf(capture, now))],
    [el('span', {}, workload === null ? '' : formatCount(workload.records))],
    [el('span', {}, owner)],
  ];
  if (element.cells.length === 0) {
    element.append(el('th', { scope: 'row' }, link), ...cells.slice(1).map(() => el('td')));
  }
  for (const [index, content] of cells.entries()) {
    const cell = element.cells[index];
    if (index > 0) cell?.replaceChildren(...content);
    else {
      while (link.nextSibling !== null) link.nextSibling.remove();
      cell?.append(...content);
    }
  }
}
