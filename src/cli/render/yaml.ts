import type { Json } from './column.ts';

// Plain words that YAML 1.1 or 1.2 reads as something else than a string.
const SPECIAL = /^(y|n|yes|no|on|off|true|false|null|~|\.inf|\.nan)$/i;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_ ./@+-]*$/;

/** A value as YAML that every parser reads back as the same JSON. Strings that need quotes are written as JSON. */
export function yamlDocument(value: Json): string {
  return `${block(value, '').replace(/^\n/, '').trimStart()}\n`;
}

function block(value: Json, indent: string): string {
  if (value === null || typeof value !== 'object') return ` ${scalar(value)}`;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    if (items.length === 0) return ' []';
    return items
      .map((item) => `\n${indent}-${block(item, `${indent}  `).replace(/^\n\s*/, ' ')}`)
      .join('');
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return ' {}';
  return entries
    .map(([key, item]) => `\n${indent}${scalar(key)}:${block(item, `${indent}  `)}`)
    .join('');
}

function scalar(value: string | number | boolean | null): string {
  if (typeof value !== 'string') return String(value);
  if (PLAIN.test(value) && !SPECIAL.test(value) && !value.endsWith(' ')) return value;
  // A JSON string is a YAML double-quoted one, once what YAML calls unprintable is escaped too.
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_unused, index) =>
      character.charCodeAt(index).toString(16).padStart(4, '0'),
    )
      .map((hex) => `\\u${hex}`)
      .join(''),
  );
}
