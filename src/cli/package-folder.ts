import { resolve } from 'node:path';

/** Where this package lies. The build puts the program's files into dist/cli: as deep as src/cli. */
export const PACKAGE_FOLDER = resolve(import.meta.dirname, '../..');
