import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../../package.ts';
import type { PageParts } from '../render/html/shell.ts';

/**
 * The script and the style sheet of a page, as they were built: those of reports, or of the page that the API's
 * server has.
 */
export async function readPageParts(page: 'page' | 'api-page' = 'page'): Promise<PageParts> {
  const read = (extension: string): Promise<string> =>
    readFile(join(PACKAGE_FOLDER, 'dist/page', `${page}.${extension}`), 'utf8');
  const [script, style] = await Promise.all([read('js'), read('css')]);
  return { script, style };
}
