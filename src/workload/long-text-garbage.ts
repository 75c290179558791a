import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** So many bytes of long texts may lie around before the collector is told of them. */
const MOST_BYTES = 8 * 1024 * 1024;

let collect: (() => void) | null = null;
let bytes = 0;

/**
 * Says that a long text is in memory, which its reader lets go of soon. V8 keeps a string of a megabyte and more
 * outside of its heap, and lets 64 MB of them lie around. To collect takes 10 ms, as reading 2 MB of such a text does.
 */
export function addLongText(length: number): void {
  bytes += length;
  if (bytes < MOST_BYTES) return;
  bytes = 0;
  collect ??= collector();
  collect();
}

/** Node has it for programs that were started with a flag; a context that is made behind the flag has it, too. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
