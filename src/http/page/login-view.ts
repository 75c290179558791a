import { el, field } from './elements.ts';
import { messageOf } from './page-api.ts';
import type { PageContext, PageView } from './page-view.ts';
import type { LoginAnswer, WhoAnswer } from './wire-data.ts';

/** Somebody who is logged in. */
export interface Login {
  readonly who: WhoAnswer;
  /** Whether the page made the session, and so ends it. */
  readonly isOurs: boolean;
}

/** A page that was not closed properly leaves a session; it ends by itself. */
const SESSION_SECONDS = 12 * 3_600;

/**
 * Logs in with name and password, which makes a session, or with a token that was made before. Either is kept
 * in memory only.
 * @param because why somebody who was logged in is asked again; null for no reason.
 */
export function loginView(
  { api }: PageContext,
  because: string | null,
  done: (login: Login) => void,
): PageView {
  const failure = el('p', { class: 'failure', role: 'alert', hidden: because === null }, because);
  const name = el('input', {
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: 'false',
  });
  const password = el('input', { type: 'password', autocomplete: 'current-password' });
  const token = el('input', { type: 'password', autocomplete: 'off', spellcheck: 'false' });

  const attempt = async (log: () => Promise<boolean>, field: HTMLInputElement): Promise<void> => {
    failure.hidden = true;
    try {
      const isOurs = await log();
      done({ who: await api.ask<WhoAnswer>('GET', 'whoami'), isOurs });
    } catch (error) {
      api.setToken(null);
      failure.replaceChildren(el('span', {}, messageOf(error)));
      failure.hidden = false;
      field.focus();
      field.select();
    }
  };
  const byPassword = form('Log in', [field('Name', name), field('Password', password)], () =>
    attempt(async () => {
      const body = { name: name.value, password: password.value, expires: SESSION_SECONDS };
      api.setToken((await api.ask<LoginAnswer>('POST', 'login', { body })).token);
      password.value = '';
      return true;
    }, password),
  );
  const byToken = form('Log in with the token', [field('Token', token)], () =>
    attempt(() => {
      // What is no header would be a failure of the browser, not an answer.
      api.setToken(token.value.trim().replaceAll(/[^!-~]/g, '?'));
      return Promise.resolve(false);
    }, token),
  );
  const element = el(
    'div',
    { class: 'login' },
    el('h1', { tabindex: -1 }, 'Log in to captures'),
    el('p', { class: 'about' }, `On ${location.host}. A reload of the page asks again.`),
    failure,
    byPassword,
    el('p', { class: 'or' }, 'or'),
    byToken,
  );
  return { title: 'Log in', element, focus: () => name };
}

function form(
  action: string,
  fields: readonly HTMLElement[],
  submitted: () => Promise<void>,
): HTMLFormElement {
  const submit = el('button', { class: 'primary' }, action);
  const element = el('form', { novalidate: true }, ...fields, submit);
  element.addEventListener('submit', (event) => {
    event.preventDefault();
    if (submit.getAttribute('aria-disabled') === 'true') return;
    submit.setAttribute('aria-disabled', 'true');
    void submitted().finally(() => submit.removeAttribute('aria-disabled'));
  });
  return element;
}
