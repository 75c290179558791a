import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, zstdDecompressSync } from 'node:zlib';
import { DIGEST_RULES } from '../../sql/digest.ts';
import { openToRead, segmentFileName } from '../segment-files.ts';
import { textBytes } from '../zstd-frames.ts';
import { MalformedBytes, PackedReader, PackedWriter } from './packed-bytes.ts';

/** What tells a file from what it was without reading it. */
export interface FileIdentity {
  readonly inode: bigint;
  readonly size: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
}

/** What the first bytes of a segment's file come to. */
export interface SegmentSummary {
  /** Bytes of the file that were counted, and their SHA-256 in hex. */
  readonly bytes: number;
  readonly sha256: string;
  /** Of the whole file then; null where it had just been written. */
  readonly identity: FileIdentity | null;
  readonly records: number;
  /** Of all records, in microseconds; infinite where there is none. */
  readonly earliest: number;
  readonly latest: number;
  readonly packed: Buffer;
}

const FORMAT = 'captures-summary';
/** Of what is in the file: one of another version is not read. */
const FORMAT_VERSION = 6;
/** More than any tally takes, and less than what would fill the memory. */
const LARGEST_SUMMARY = 32 * 1024 * 1024;
const SHA256_BYTES = 32;

/** `segment-000001.summary.zst`, beside the segment. */
export function summaryFileName(segment: number): string {
  return segmentFileName(segment).replace(/\.ndjson\.zst$/, '.summary.zst');
}

/** The summary of a segment; null where there is none of use: missing, damaged, of another version. */
export async function readSummary(folder: string, segment: number): Promise<SegmentSummary | null> {
  try {
    const file = await openToRead(join(folder, summaryFileName(segment)));
    try {
      if ((await file.stat()).size > LARGEST_SUMMARY) return null;
      return parseSummary(await file.readFile());
    } finally {
      await file.close();
    }
  } catch {
    // Whatever is wrong with it: the segment itself is read.
    return null;
  }
}

function parseSummary(file: Buffer): SegmentSummary {
  const bytes = zstdDecompressSync(file, {
    maxOutputLength: LARGEST_SUMMARY,
    // In one piece: of several, each would be there twice.
    chunkSize: Math.min(LARGEST_SUMMARY, Math.max(textBytes(file) ?? 0, 64 * 1024)),
    params: { [constants.ZSTD_d_windowLogMax]: Math.log2(LARGEST_SUMMARY) },
  });
  const body = bytes.subarray(SHA256_BYTES);
  if (!hashOf(body).equals(bytes.subarray(0, SHA256_BYTES))) {
    throw new MalformedBytes('its SHA-256 differs');
  }
  const reader = new PackedReader(body);
  if (
    reader.text() !== FORMAT ||
    reader.count() !== FORMAT_VERSION ||
    reader.count() !== DIGEST_RULES
  ) {
    throw new MalformedBytes('of another version');
  }
  const summary = {
    bytes: reader.count(),
    sha256: reader.text(),
    identity: reader.flag()
      ? {
          inode: BigInt(reader.text()),
          size: BigInt(reader.text()),
          modified: BigInt(reader.text()),
          changed: BigInt(reader.text()),
        }
      : null,
    records: reader.count(),
    earliest: reader.number(),
    latest: reader.number(),
  };
  return { ...summary, packed: reader.rest() };
}

/**
 * Writes a summary beside its segment, whole or not at all. A folder that cannot be written to, or a full
 * disk, means that there is none.
 * @param mode as of the segment's file.
 */
export async function writeSummary(
  folder: string,
  segment: number,
  summary: SegmentSummary,
  mode: number,
): Promise<void> {
  const path = join(folder, summaryFileName(segment));
  // Ends as a recorder's copies do, which clears away what a crash leaves.
  const temporary = `${path}.${randomUUID()}.copy`;
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      // The umask narrowed it.
      await file.chmod(mode);
      const bytes = summaryBytes(summary);
      const zstd = createZstdCompress({
        pledgedSrcSize: bytes.reduce((sum, { length }) => sum + length, 0),
        params: { [constants.ZSTD_c_compressionLevel]: 1 },
      });
      await pipeline(bytes, zstd, async (pieces: AsyncIterable<Buffer>) => {
        for await (const piece of pieces) await file.writeFile(piece);
      });
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** What is compressed, in pieces: 12 MB and more are not copied. */
function summaryBytes({ identity, packed, ...summary }: SegmentSummary): Buffer[] {
  const out = new PackedWriter();
  out.text(FORMAT);
  out.count(FORMAT_VERSION);
  out.count(DIGEST_RULES);
  out.count(summary.bytes);
  out.text(summary.sha256);
  out.flag(identity !== null);
  if (identity !== null) {
    const { inode, size, modified, changed } = identity;
    for (const number of [inode, size, modified, changed]) out.text(String(number));
  }
  out.count(summary.records);
  out.number(summary.earliest);
  out.number(summary.latest);
  return [hashOf(out.bytes(), packed), out.bytes(), packed];
}

function hashOf(...bytes: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const some of bytes) hash.update(some);
  return hash.digest();
}
