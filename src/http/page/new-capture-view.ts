import { button, el, field, setText } from './elements.ts';
import { ApiFailure, messageOf } from './page-api.ts';
import type { PageContext, PageView } from './page-view.ts';
import { localValue, readLocalTime, spokenTime } from './shown-times.ts';
import type { CaptureAnswer, EnvironmentAnswer } from './wire-data.ts';
import { hashOf } from './capture-words.ts';

const UNITS = { minutes: 60, hours: 3_600, days: 86_400 };
const HOUR_MS = 3_600_000;

/** Starts a capture now, or at a time on the viewer's clock. */
export function newCaptureView(context: PageContext): PageView {
  const { api } = context;
  const failure = el('p', { class: 'failure', role: 'alert', hidden: true });
  const name = el('input', { autocomplete: 'off', spellcheck: 'false' });
  const environment = el('select');
  const now = el('input', { type: 'radio', name: 'when', id: 'when-now', checked: true });
  const later = el('input', { type: 'radio', name: 'when', id: 'when-later' });
  const start = el('input', { type: 'datetime-local' });
  start.value = localValue(Math.ceil((api.now() + HOUR_MS) / HOUR_MS) * HOUR_MS);
  const spoken = el('p', { role: 'status' });
  const startField = field('Start', start, spoken);
  const length = el('input', { type: 'number', min: 1, step: 'any', inputmode: 'decimal' });
  const unit = el(
    'select',
    { 'aria-label': 'Unit of the length' },
    ...Object.keys(UNITS).map((text) => el('option', {}, text)),
  );
  const submit = el('button', { class: 'primary' }, 'Start the capture');

  const changed = (): void => {
    startField.hidden = now.checked;
    const at = readLocalTime(start.value);
    setText(
      spoken,
      at !== null
        ? spokenTime(at)
        : start.value === ''
          ? 'When it is to start, on your clock'
          : 'Your clock never shows this time: it is put forward over it',
    );
    setText(submit, now.checked ? 'Start the capture' : 'Schedule the capture');
  };
  const create = async (): Promise<void> => {
    const at = readLocalTime(start.value);
    const scheduled = later.checked;
    const seconds = Number(length.value) * UNITS[unit.value as keyof typeof UNITS];
    const body = {
      name: name.value,
      environment: environment.value,
      status: scheduled ? 'SCHEDULED' : 'STARTED',
      scheduledStart: scheduled && at !== null ? new Date(at).toISOString() : null,
      duration: length.value === '' ? null : seconds,
    };
    const capture = await api.ask<CaptureAnswer>('POST', 'captures', { body });
    context.say(scheduled ? `Scheduled ${capture.name}` : `Started ${capture.name}`);
    context.go(hashOf(capture));
  };
  const fail = (error: unknown): void => {
    setText(failure, messageOf(error));
    failure.hidden = false;
  };
  const when = el(
    'fieldset',
    {},
    el('legend', {}, 'When'),
    el('p', {}, now, ' ', el('label', { for: now.id }, 'Now')),
    el('p', {}, later, ' ', el('label', { for: later.id }, 'At a time')),
    startField,
  );
  const lengthField = field('Length', length, el('p', {}, 'Empty: until somebody stops it'));
  length.after(unit);
  const form = el(
    'form',
    { class: 'new', novalidate: true },
    failure,
    field('Name', name),
    field('Environment', environment),
    when,
    lengthField,
    el(
      'div',
      { class: 'buttons' },
      submit,
      button('Cancel', () => context.go('#/captures')),
    ),
  );
  form.addEventListener('input', changed);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (submit.getAttribute('aria-disabled') === 'true') return;
    submit.setAttribute('aria-disabled', 'true');
    failure.hidden = true;
    void create()
      .catch(fail)
      .finally(() => submit.removeAttribute('aria-disabled'));
  });
  changed();
  void api
    .ask<EnvironmentAnswer[]>('GET', 'environments')
    .then((environments) => {
      environment.replaceChildren(
        ...environments.map((one) => el('option', { value: one.name }, one.name)),
      );
      if (environments.length === 0) fail(new ApiFailure(0, 'You are a member of no environment'));
    })
    .catch(fail);
  return {
    title: 'New capture',
    element: el('div', {}, el('h1', { tabindex: -1 }, 'New capture'), form),
    focus: () => name,
    onKey: ({ key }) => {
      if (key !== 'Escape') return false;
      context.go('#/captures');
      return true;
    },
  };
}
