import { button, el } from './elements.ts';
import { messageOf } from './page-api.ts';

interface Question {
  readonly title: string;
  /** What stands in it above the buttons. */
  readonly content: readonly HTMLElement[];
  /** What the button says that does it. */
  readonly action: string;
  readonly isDangerous?: boolean;
  /** Does it. What it throws is shown, and the dialog stays. */
  readonly act: () => Promise<void>;
}

/** Asks in a dialog. Esc and Cancel change nothing; the focus returns to where it was. */
export function ask({ title, content, action, isDangerous = false, act }: Question): void {
  const failure = el('p', { class: 'failure', role: 'alert', hidden: true });
  const heading = el('h2', { id: 'dialog-title' }, title);
  const submit = el('button', { class: isDangerous ? 'danger' : 'primary' }, action);
  const dialog = el('dialog', { 'aria-labelledby': 'dialog-title' });
  const form = el(
    'form',
    { novalidate: true },
    heading,
    ...content,
    failure,
    el(
      'div',
      { class: 'buttons' },
      submit,
      button('Cancel', () => dialog.close()),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void run();
  });
  const run = async (): Promise<void> => {
    if (submit.getAttribute('aria-disabled') === 'true') return;
    submit.setAttribute('aria-disabled', 'true');
    failure.hidden = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      failure.replaceChildren(el('span', {}, messageOf(error)));
      failure.hidden = false;
    } finally {
      submit.removeAttribute('aria-disabled');
    }
  };
  dialog.append(form);
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
