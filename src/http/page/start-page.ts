/** The page at `/`: it asks the API that it came from, and keeps what it knows in memory alone. */
import { addThemeButton } from '../../display/browser/theme.ts';
import { captureView, CAPTURE_PARTS, type CapturePartName } from './capture-view.ts';
import { capturesView } from './captures-view.ts';
import { button, el, setText } from './elements.ts';
import { loginView, type Login } from './login-view.ts';
import { newCaptureView } from './new-capture-view.ts';
import { PageApi } from './page-api.ts';
import type { PageContext, PageView } from './page-view.ts';

const api = new PageApi();
const root = document.documentElement;
const main = el('main', { id: 'main' });
const said = el('p', { class: 'said', role: 'status' });
const user = el('span', { class: 'user' });
const logout = button('Log out', () => void logOut());
const header = el(
  'header',
  {},
  el('a', { href: '#/captures', class: 'brand' }, 'captures'),
  el(
    'nav',
    { 'aria-label': 'Pages' },
    el('a', { href: '#/captures' }, 'All'),
    el('a', { href: '#/new' }, 'New capture'),
  ),
  user,
  logout,
);
const context: PageContext = {
  api,
  say,
  go: (hash) => {
    location.hash = hash;
  },
};

let login: Login | null = null;
let view: PageView | null = null;
let forgetting: ReturnType<typeof setTimeout> | undefined;
const SAID_MS = 6_000;

document.body.append(header, main, said);
addThemeButton(redraw);
addEventListener('hashchange', showAddressed);
addEventListener('keydown', onKey);
addEventListener('resize', redrawSoon);
addEventListener('pagehide', ({ persisted }) => {
  // Nobody could use the session any more: the page is the only one that knows its token.
  if (!persisted && login?.isOurs === true) api.leave();
});
api.onLoggedOut = (message) => {
  login = null;
  showLogin(message);
};
showLogin(null);
root.dataset['ready'] = '';
root.classList.add('js');

function showLogin(because: string | null): void {
  // A dialog would be in front of it.
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  root.dataset['login'] = 'none';
  show(
    loginView(context, because, (done) => {
      login = done;
      const { userName, kind, scope } = done.who;
      setText(user, scope.isReadOnly ? `${userName}, read-only` : userName);
      root.dataset['login'] = scope.isReadOnly ? 'reader' : kind;
      say(`Logged in as ${done.who.userName}`);
      showAddressed();
    }),
  );
}

async function logOut(): Promise<void> {
  const isOurs = login?.isOurs === true;
  login = null;
  // First: whatever the view asks for meanwhile would be refused.
  view?.leave?.();
  let message = 'Logged out';
  try {
    if (isOurs) await api.ask('POST', 'logout');
    else message = 'The page has forgotten the token; it is valid as before';
  } catch {
    message = 'The page has forgotten the session; the server could not be told';
  }
  api.setToken(null);
  showLogin(null);
  say(message);
}

/** Shows what the address names, for who is logged in. */
function showAddressed(): void {
  if (login !== null) show(addressedView());
}

function addressedView(): PageView {
  const [path = '', query = ''] = location.hash.slice(1).split('?');
  const [, noun, ref = '', part = ''] = path.split('/');
  if (noun === 'new') return newCaptureView(context);
  if (noun === 'captures' && ref !== '') return captureView(context, decoded(ref), partNamed(part));
  return capturesView(context, new URLSearchParams(query));
}

function partNamed(name: string): CapturePartName {
  return Object.hasOwn(CAPTURE_PARTS, name) ? (name as CapturePartName) : 'overview';
}

/** A link may have been cut. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function show(next: PageView): void {
  view?.leave?.();
  view = next;
  document.title = `${next.title} – captures`;
  main.replaceChildren(next.element);
  const target = next.focus?.() ?? next.element.querySelector('h1');
  target?.focus();
  scrollTo(0, 0);
}

function say(message: string): void {
  setText(said, message);
  clearTimeout(forgetting);
  forgetting = setTimeout(() => said.replaceChildren(), SAID_MS);
}

function redraw(): void {
  view?.redraw?.();
}

let drawnWidth = innerWidth;
let redrawing = 0;
function redrawSoon(): void {
  if (innerWidth === drawnWidth) return;
  drawnWidth = innerWidth;
  cancelAnimationFrame(redrawing);
  redrawing = requestAnimationFrame(redraw);
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.querySelector('dialog[open]') !== null) return;
  const { target } = event;
  if (target instanceof Element && target.matches('input, select, textarea')) {
    const isEscape = event.key === 'Escape';
    // ArrowDown leads from the search into the list.
    const leads = event.key === 'ArrowDown' && target.matches('[type=search]');
    if (!isEscape && !leads) return;
    if (isEscape && target instanceof HTMLElement) target.blur();
    // Whoever leaves another form's field does not leave the form.
    if (target.closest('[role=search]') === null) return;
  }
  if (view?.onKey?.(event) === true) event.preventDefault();
}
