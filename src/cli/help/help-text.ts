import { fillLines } from '../render/width.ts';

/** Longer lines are hard to read, however wide the terminal is. */
export const WIDEST_HELP = 80;

/**
 * Fills the paragraphs of a help text to a width. Indented lines (options, examples) stay as they
 * are: an example that was broken could not be copied.
 */
export function wrapHelp(text: string, width: number): string {
  const lines: string[] = [];
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    const isTooWide = paragraph.some((line) => line.length > width);
    lines.push(...(isTooWide ? fillLines(paragraph.join(' ').split(' '), width) : paragraph));
    paragraph = [];
  };
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith(' ')) {
      endParagraph();
      lines.push(line);
    } else {
      paragraph.push(line);
    }
  }
  endParagraph();
  return lines.join('\n');
}
