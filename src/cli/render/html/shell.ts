import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { markup, Markup } from './markup.ts';
import type { PageData } from './page-data.ts';

/** What is built for every page: the script, with the chart library in it, and the style sheet. */
export interface PageParts {
  readonly script: string;
  readonly style: string;
}

/** By which a file is known to be a page of ours. */
export const PAGE_MARK = '<meta name="generator" content="captures">';

/** A page without what is the same in all of them. */
export interface PageContent {
  readonly title: string;
  readonly body: Markup;
  readonly data: PageData;
}

/** Bytes of a page with so many rows in its first table at most: what is cut for it is said in the page. */
export function roomFor(rows: number): number {
  return Math.max(LEAST_ROOM, rows * (LEAST_ROOM / ROWS_IN_IT));
}

const LEAST_ROOM = 300_000;
const ROWS_IN_IT = 500;

/**
 * A whole page: one file that asks for nothing. The browser is told to load nothing and to run only the
 * script that is in it, by its hash: were there a hole in the escaping, what comes through would be inert.
 */
export function pageOf({ title, body, data }: PageContent, { script, style }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(style)}'`,
    `script-src '${hashOf(script)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const { text } = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Markup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
${new Markup(PAGE_MARK)}
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
${withoutIndent(body)}
<script type="application/octet-stream" id="data">${packed(data)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`;
  return text;
}

/**
 * Compressed, because 500 digests with their examples are 2 MB else. Base64 has no character that could
 * end the element.
 */
function packed(data: PageData): string {
  return deflateRawSync(JSON.stringify(data), { level: 6 }).toString('base64');
}

/** Twenty gaps are 8 KB else. No text in a body has a line end of its own: it would be an escape. */
function withoutIndent({ text }: Markup): Markup {
  return new Markup(text.replaceAll(/\n\s+/g, '\n'));
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
