/**
 * The notices of the packages that are bundled into the program: their licences ask for them. Made at
 * each build of what the bundler really took.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences whose only condition is that their text goes along. */
const EXPECTED = new Set(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD']);
const TEXT = /^(licen[cs]e|notice|copying)([.-]|$)/i;
const PACKAGE = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/;

/**
 * The folders of the packages that modules come from, each once.
 * @param modules ids as the bundler has them; those that it makes itself begin with a NUL.
 * @param bundler the bundler's own folder: a few of its lines are in every bundle.
 */
export function packageFolders(modules: Iterable<string>, bundler: string): string[] {
  const folders = new Set<string>();
  for (const id of modules) {
    const folder = id.startsWith('\0') ? bundler : PACKAGE.exec(id)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  return [...folders].sort();
}

/**
 * One text with name, version, licence and notices of each package.
 * @throws Error for a package without a licence's text, or under a licence that nobody has looked at.
 */
export function thirdPartyNotices(folders: readonly string[]): string {
  const notices = folders.map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    ) as { name: string; version: string; license?: unknown };
    if (typeof license !== 'string' || !EXPECTED.has(license)) {
      throw new Error(`${name} is bundled and its licence is ${JSON.stringify(license)}`);
    }
    const files = readdirSync(folder).filter((file) => TEXT.test(file));
    if (!files.some((file) => !/^notice/i.test(file))) {
      throw new Error(`${name} is bundled and has no text of its licence (${license})`);
    }
    const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  const rule = `\n\n${'-'.repeat(72)}\n\n`;
  return `captures has parts of these packages in it.${rule}${notices.join(rule)}\n`;
}
