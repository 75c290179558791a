import { open, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { AppError } from '../../core/errors.ts';
import { formatBytes } from '../../core/units.ts';
import { PAGE_MARK } from '../render/html/shell.ts';
import { shellQuoted } from '../render/shell-quoting.ts';
import type { Context } from '../runtime/context.ts';
import { writeNewFile } from './new-file.ts';

const STDOUT = '-';

/** Rows of the first table of a page, or of each kind of change, where nobody says how many. */
export const ROWS_OF_A_PAGE = 500;

/** Our mark stands within so many bytes of a page. */
const BEGINNING = 4_096;

/**
 * Where `--html` is to write: an absolute path, or `-` for stdout. A page of ours is replaced, so that the
 * same line can be run every night; nothing else is.
 * @throws AppError `invalid` for a folder, for a terminal and for a form of data where the page goes to stdout;
 *   `conflict` for a file that is no page of ours.
 */
export async function htmlTarget(context: Context, typed: string): Promise<string> {
  if (typed === STDOUT) {
    context.refuseDataOptions('With --html - the page goes to stdout.');
    if (!context.world.stdout.isTTY) return STDOUT;
    throw new AppError('invalid', 'A page of HTML is not for a terminal', {
      hint: 'Name a file: --html FILE',
    });
  }
  const path = resolve(context.world.cwd, typed);
  const there = await stat(path).catch(() => null);
  if (typed === '' || there?.isDirectory() === true || /[/\\]$/.test(typed)) {
    throw new AppError('invalid', `--html takes a file, and ${typed || '""'} is a folder`, {
      hint: `For example: --html ${shellQuoted(join(typed, 'report.html'))}`,
    });
  }
  if (there?.isFile() === true && there.size > 0 && !(await isOurs(path))) {
    throw new AppError('conflict', `${path} is there already, and is not a page of captures`, {
      hint: 'Choose another name, or remove the file first.',
    });
  }
  return path;
}

async function isOurs(path: string): Promise<boolean> {
  const file = await open(path).catch(() => null);
  // What cannot be read may be anything.
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING), 0, BEGINNING, 0);
    return buffer.toString('utf8', 0, bytesRead).includes(PAGE_MARK);
  } finally {
    await file.close();
  }
}

/**
 * Writes a page, whole or not at all, and says so.
 * @param target as `htmlTarget` gives it.
 * @throws AppError `invalid` where it cannot be written.
 */
export async function writeHtml(context: Context, target: string, page: string): Promise<void> {
  if (target === STDOUT) return context.world.stdout.write(page);
  const { world } = context;
  const bytes = await writeNewFile(target, new Blob([page]).stream(), { replaces: true, world });
  await context.note(`Wrote ${basename(target)} (${formatBytes(bytes)})`);
}
