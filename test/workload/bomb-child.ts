import { verifyFiles } from '../../src/workload/file-verification.ts';
import { readRecords, readWorkload } from '../../src/workload/workload-reader.ts';
import { statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Reads the first segment of a workload in one of three ways and prints what came of it, and the most memory
 * that this process ever took. Arguments: the folder, `verify`, `text` or `records`.
 */
const [dir = '', how] = process.argv.slice(2);
const bytes = statSync(join(dir, 'segment-000001.ndjson.zst')).size;
const unknown = { sha256: null, records: null, firstTime: null, lastTime: null };
let said: unknown = 'read';
try {
  if (how === 'verify') {
    const expected = [{ segment: 1, bytes, ...unknown }];
    const { damage } = await verifyFiles(dir, expected, { from: null, to: null, mayGoOn: false });
    said = damage.map(({ what }) => what);
  } else {
    const position = { segment: 1, offset: bytes };
    const chunks = how === 'text' ? readWorkload(dir, position) : readRecords(dir, position);
    while ((await chunks.next()).done !== true);
  }
} catch (error) {
  said = String(error);
}
console.log(JSON.stringify({ said, megabytes: process.resourceUsage().maxRSS / 1_024 }));
