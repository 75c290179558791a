import { createHash } from 'node:crypto';
import { Header, type HeaderData } from 'tar';

/** A file, or something else, in an archive. */
export interface Entry {
  readonly path: string;
  readonly body: Buffer;
  readonly type?: NonNullable<HeaderData['type']>;
  readonly linkpath?: string;
  /** What its header says; its body's size where it is left out. */
  readonly size?: number;
}

const BLOCK = 512;

/** The entries of a tar that `export` wrote. */
export function entriesIn(tar: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + BLOCK <= tar.length;) {
    const { path = '', size = 0, nullBlock } = new Header(tar, at);
    if (nullBlock) break;
    entries.push({ path, body: tar.subarray(at + BLOCK, at + BLOCK + size) });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}

/** A tar of these entries, whatever they are. */
export function tarOf(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, body, type = 'File', linkpath, size = body.length }) => {
    const block = Buffer.alloc(BLOCK);
    const fields: HeaderData = { path, size, type, mode: 0o600, mtime: new Date(0) };
    new Header(linkpath === undefined ? fields : { ...fields, linkpath }).encode(block);
    return [block, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The entries with checksums that are right again. */
export function withSums(entries: readonly Entry[]): Entry[] {
  const sums = entries
    .filter(({ path }) => baseName(path) !== 'SHA256SUMS')
    .map(({ path, body }) => `${sha256(body)}  ${baseName(path)}\n`);
  return entries.map((entry) =>
    baseName(entry.path) === 'SHA256SUMS' ? { ...entry, body: Buffer.from(sums.join('')) } : entry,
  );
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
