import { CAPTURE_STATUSES } from '../../core/captures/capture.ts';
import { el, field } from './elements.ts';

/** What a list is filtered by: fields of the API, and of the page's address. */
const FIELDS = ['name', 'env', 'status', 'owner', 'since', 'until'] as const;
type FilterField = (typeof FIELDS)[number];

export interface CaptureFilterForm {
  readonly element: HTMLElement;
  readonly name: HTMLInputElement;
  /** As the API takes it. */
  readonly query: () => Record<FilterField, string>;
  /** The page's address with it. */
  readonly hash: () => string;
  readonly isEmpty: () => boolean;
  /** Environments to choose from. */
  readonly offer: (environments: readonly string[]) => void;
  readonly clear: () => void;
}

const IN_PROGRESS = 'STARTED,STARTING,RUNNING,STOPPING';
const STATUSES: readonly (readonly [value: string, text: string])[] = [
  ['', 'Any'],
  [IN_PROGRESS, 'In progress'],
  ...CAPTURE_STATUSES.map((status) => [status, status] as const),
];
/** A list is asked for when nothing was typed for so long. */
const PAUSE_MS = 250;

/** @param asked what the page's address has. @param changed told when the list has to be asked for anew. */
export function captureFilter(asked: URLSearchParams, changed: () => void): CaptureFilterForm {
  const name = el('input', {
    type: 'search',
    placeholder: 'part of it, or * and ?',
    spellcheck: 'false',
  });
  const env = el('select', {}, el('option', { value: '' }, 'All'));
  const status = el(
    'select',
    {},
    ...STATUSES.map(([value, text]) => el('option', { value }, text)),
  );
  const owner = el('input', {
    placeholder: 'a name, or me',
    spellcheck: 'false',
    autocapitalize: 'none',
  });
  const since = el('input', { type: 'date' });
  const until = el('input', { type: 'date' });
  const controls = { name, env, status, owner, since, until };

  for (const key of FIELDS) {
    const value = asked.get(key) ?? '';
    const control = controls[key];
    // Not yet one of the choices: they come with an answer.
    if (key === 'env' && value !== '') env.append(el('option', { value }, value));
    control.value = value;
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const element = el(
    'form',
    { class: 'filters', role: 'search', 'aria-label': 'Filter captures' },
    field('Name', name),
    field('Status', status),
    field('Environment', env),
    field('Owner', owner),
    field('From', since),
    field('To', until),
  );
  element.addEventListener('input', ({ target }) => {
    clearTimeout(timer);
    timer = setTimeout(changed, target instanceof HTMLInputElement ? PAUSE_MS : 0);
  });
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    clearTimeout(timer);
    changed();
  });
  const isEmpty = (): boolean => FIELDS.every((key) => controls[key].value === '');
  return {
    element,
    name,
    isEmpty,
    query: () => ({
      name: globOf(name.value),
      env: env.value,
      status: status.value,
      owner: owner.value,
      since: since.value === '' ? '' : dayStart(since.value, 0),
      // The whole of the last day.
      until: until.value === '' ? '' : dayStart(until.value, 1),
    }),
    hash: () => {
      const fields = FIELDS.flatMap((key) =>
        controls[key].value === '' ? [] : [[key, controls[key].value]],
      );
      const query = new URLSearchParams(fields).toString();
      return query === '' ? '#/captures' : `#/captures?${query}`;
    },
    offer: (environments) => {
      const chosen = env.value;
      const names = [...new Set(chosen === '' ? environments : [...environments, chosen])];
      env.replaceChildren(
        el('option', { value: '' }, 'All'),
        ...names.map((one) => el('option', { value: one }, one)),
      );
      env.value = chosen;
    },
    clear: () => {
      for (const key of FIELDS) controls[key].value = '';
      clearTimeout(timer);
      changed();
    },
  };
}

/** A part of a name is found wherever it stands in it. */
function globOf(text: string): string {
  return text === '' || /[*?]/.test(text) ? text : `*${text}*`;
}

/** Midnight on the viewer's clock, so many days later. */
function dayStart(day: string, later: number): string {
  const date = new Date(`${day}T00:00`);
  date.setDate(date.getDate() + later);
  return Number.isNaN(date.getTime()) ? day : date.toISOString();
}
