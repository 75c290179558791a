/** A character cell, in the units of the picture. */
const CELL = { width: 8.4, height: 18 };
const MARGIN = 16;
const TITLE_BAR = 28;

/** Colours of the eight that programs ask for by number, and of what has none. */
const INK: Readonly<Record<number, string>> = {
  30: '#484f58',
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#56d4dd',
  37: '#e6edf3',
  90: '#8b949e',
};
const PAPER = '#0d1117';
const PLAIN = '#c9d1d9';

interface Style {
  readonly color: string;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

const NO_STYLE: Style = { color: PLAIN, isBold: false, isDim: false };

/**
 * An SVG picture of text as a terminal shows it: the colours of `ESC [ … m`, one cell a character.
 * @param text lines; what is wider than the widest line makes the picture wider.
 * @param title of the window's bar.
 */
export function terminalPicture(text: string, title: string): string {
  const lines = text.replace(/\n$/, '').split('\n');
  const columns = Math.max(80, ...lines.map((line) => Array.from(withoutStyles(line)).length));
  const width = Math.ceil(columns * CELL.width + 2 * MARGIN);
  const height = TITLE_BAR + lines.length * CELL.height + MARGIN;
  let style = NO_STYLE;
  const rows = lines.map((line, index) => {
    const y = TITLE_BAR + (index + 0.75) * CELL.height;
    const drawn = drawLine(line, style, y);
    style = drawn.style;
    return drawn.svg;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    // Browsers follow xml:space no more (Chromium 156).
    '<style>text { white-space: pre }</style>',
    `<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map(
      (fill, index) => `<circle cx="${18 + index * 18}" cy="14" r="5" fill="${fill}"/>`,
    ),
    `<text x="50%" y="19" fill="#8b949e" font-family="sans-serif" font-size="12" text-anchor="middle">${escaped(title)}</text>`,
    `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" fill="${PLAIN}" xml:space="preserve">`,
    ...rows.filter((row) => row !== ''),
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

/** The text alone, without the sequences that colour it. */
export function withoutStyles(line: string): string {
  return line.replaceAll(STYLE, '');
}

const STYLE = /\u001b\[([\d;]*)m/g;

function drawLine(line: string, before: Style, y: number): { svg: string; style: Style } {
  let style = before;
  let column = 0;
  let svg = '';
  const parts = line.split(STYLE);
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 1) {
      style = styled(style, part);
      continue;
    }
    const characters = Array.from(part);
    if (part.trim() !== '') svg += span(part, style, column, characters.length);
    column += characters.length;
  }
  return { svg: svg === '' ? '' : `<text y="${y}">${svg}</text>`, style };
}

function span(text: string, style: Style, column: number, length: number): string {
  const attributes = [
    `x="${(MARGIN + column * CELL.width).toFixed(1)}"`,
    // Whatever font is found, the columns stay under one another.
    `textLength="${(length * CELL.width).toFixed(1)}"`,
    ...(style.color === PLAIN ? [] : [`fill="${style.color}"`]),
    ...(style.isBold ? ['font-weight="bold"'] : []),
    ...(style.isDim ? ['opacity="0.65"'] : []),
  ];
  return `<tspan ${attributes.join(' ')}>${escaped(text)}</tspan>`;
}

function styled(style: Style, codes: string): Style {
  let next = style;
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) next = NO_STYLE;
    else if (code === 1) next = { ...next, isBold: true };
    else if (code === 2) next = { ...next, isDim: true };
    else if (code === 22) next = { ...next, isBold: false, isDim: false };
    else if (code === 39) next = { ...next, color: PLAIN };
    else next = { ...next, color: INK[code] ?? next.color };
  }
  return next;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
