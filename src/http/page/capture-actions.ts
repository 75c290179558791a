import { isOver } from '../../core/captures/capture.ts';
import { ask } from './dialogs.ts';
import { button, el, field, setText } from './elements.ts';
import { ApiFailure, messageOf } from './page-api.ts';
import type { PageContext } from './page-view.ts';
import type { CaptureAnswer } from './wire-data.ts';

/**
 * The buttons that change a capture. What somebody may not do is not hidden: the API says so when they ask for it,
 * before they fill in anything.
 * @param changed told when something was done.
 */
export function captureActions(
  context: PageContext,
  path: string,
  changed: () => void,
): { readonly element: HTMLElement; readonly show: (capture: CaptureAnswer) => void } {
  const failure = el('p', { class: 'failure', role: 'alert', hidden: true });
  const begin = async (operation: string, action: (capture: CaptureAnswer) => void) => {
    failure.hidden = true;
    try {
      action(await context.api.ask<CaptureAnswer>('GET', path, { query: { for: operation } }));
    } catch (error) {
      setText(failure, messageOf(error));
      failure.hidden = false;
    }
  };
  const act = (operation: string, action: (capture: CaptureAnswer) => void) => () =>
    void begin(operation, action);
  const stop = button(
    'Stop…',
    act('capture.stop', (one) => askToStop(context, path, one, changed)),
    { class: 'primary' },
  );
  const rename = button(
    'Rename…',
    act('capture.edit', (one) => askForName(context, path, one, changed)),
  );
  const remove = button(
    'Delete…',
    act('capture.delete', (one) => askToDelete(context, path, one)),
    { class: 'danger' },
  );
  const copy = button('Copy link', () => {
    navigator.clipboard.writeText(location.href).then(
      () => context.say('The link is copied'),
      () => context.say(`The browser does not copy: ${location.href}`),
    );
  });
  return {
    element: el('div', {}, el('div', { class: 'buttons' }, stop, rename, copy, remove), failure),
    show: (shown) => {
      stop.hidden = isOver(shown.status);
    },
  };
}

function askToStop(
  { api, say }: PageContext,
  path: string,
  { name }: CaptureAnswer,
  changed: () => void,
): void {
  const reason = el('input', { autocomplete: 'off' });
  ask({
    title: `Stop ${name}?`,
    content: [
      el('p', {}, 'Nothing more is recorded; what was recorded stays.'),
      field('Reason, for the record (may be empty)', reason),
    ],
    action: 'Stop the capture',
    act: async () => {
      const query = { reason: reason.value === '' ? null : reason.value };
      await api.ask('POST', `${path}/stop`, { query });
      say(`Stopped ${name}`);
      changed();
    },
  });
}

function askForName(
  { api, say }: PageContext,
  path: string,
  { name }: CaptureAnswer,
  changed: () => void,
): void {
  const input = el('input', { autocomplete: 'off', spellcheck: 'false' });
  input.value = name;
  ask({
    title: `Rename ${name}`,
    content: [field('New name', input)],
    action: 'Rename',
    act: async () => {
      await api.ask('PUT', path, { body: { name: input.value } });
      say(`Renamed ${name} to ${input.value}`);
      changed();
    },
  });
}

function askToDelete(
  { api, say, go }: PageContext,
  path: string,
  { name, environment }: CaptureAnswer,
): void {
  const typed = el('input', { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  ask({
    title: `Delete ${name}?`,
    content: [
      el(
        'p',
        {},
        'The capture of ',
        el('b', {}, environment),
        ' is deleted with everything that was recorded. This cannot be undone.',
      ),
      field(`Type its name to delete it`, typed, el('p', {}, el('b', {}, name))),
    ],
    action: 'Delete the capture',
    isDangerous: true,
    act: async () => {
      if (typed.value !== name) {
        typed.focus();
        throw new ApiFailure(0, 'The name does not match; nothing deleted');
      }
      await api.ask('DELETE', path);
      say(`Deleted ${name}`);
      go('#/captures');
    },
  });
}
