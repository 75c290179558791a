import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where this package lies: files are built into folders of other depths than those of their sources. */
export const PACKAGE_FOLDER = folderOfPackage(import.meta.dirname);

function folderOfPackage(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : folderOfPackage(dirname(folder));
}

/** The version of this program. */
export function programVersion(): string {
  const text = readFileSync(join(PACKAGE_FOLDER, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
