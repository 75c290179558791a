import { escapeText } from '../../../display/escape.ts';

/** HTML that is safe to write as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: texts are escaped, markup is taken as it is, lists are joined. */
type Part = string | number | Markup | readonly Markup[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * A template of HTML: whatever is put in is text, not markup, and what a browser would obey or hide
 * (control and bidi characters, half of a surrogate pair) is shown as an escape.
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const text = parts.map((part, index) => `${strings[index] ?? ''}${written(part)}`).join('');
  return new Markup(`${text}${strings[parts.length] ?? ''}`);
}

export const NOTHING = new Markup('');

function written(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'string') return entities(escapeText(part));
  if (typeof part === 'number') return String(part);
  return part.map(({ text }) => text).join('');
}

function entities(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
