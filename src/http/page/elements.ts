import { escapeText } from '../../display/escape.ts';

type Child = Node | string | null;
type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** Attributes that people read or hear. */
const READ = new Set(['title', 'aria-label', 'placeholder', 'data-label']);

/**
 * An element with attributes and children. A text is text, never markup, and what a browser would obey or hide
 * (control and bidi characters) is shown as an escape. `false` and null leave an attribute out.
 */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) setAttribute(element, key, value);
  for (const child of children) {
    if (child !== null) element.append(typeof child === 'string' ? escapeText(child) : child);
  }
  return element;
}

function setAttribute(
  element: Element,
  name: string,
  value: string | number | boolean | null,
): void {
  if (value === false || value === null) element.removeAttribute(name);
  else if (value === true) element.setAttribute(name, '');
  else element.setAttribute(name, READ.has(name) ? escapeText(String(value)) : String(value));
}

/** Changes a text where it is another: what has not changed is not announced again, and a selection stays. */
export function setText(element: Element, text: string): void {
  const safe = escapeText(text);
  if (element.textContent !== safe) element.textContent = safe;
}

/** A field with its label above it, and what is to be known about it below. */
export function field(
  label: string,
  control: HTMLInputElement | HTMLSelectElement,
  about: HTMLElement | null = null,
): HTMLElement {
  control.id ||= `field-${++fields}`;
  if (about !== null) {
    about.id ||= `${control.id}-about`;
    about.classList.add('about');
    control.setAttribute('aria-describedby', about.id);
  }
  return el('div', { class: 'field' }, el('label', { for: control.id }, label), control, about);
}

let fields = 0;

/** A name and a value in a list of facts. */
export function fact(name: string, ...value: readonly Child[]): HTMLElement {
  return el('div', {}, el('dt', {}, name), el('dd', {}, ...value));
}

/** A button that does something. */
export function button(
  text: string,
  act: () => void,
  attributes: Attributes = {},
): HTMLButtonElement {
  const element = el('button', { type: 'button', ...attributes }, text);
  element.addEventListener('click', act);
  return element;
}
