import { execFileSync } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { join } from 'node:path';

/** Makes a named pipe: what reads it waits until something is written to it. */
export function makePipe(folder: string, name: string): string {
  const pipe = join(folder, name);
  execFileSync('mkfifo', ['-m', '600', pipe]);
  return pipe;
}

/** null where nobody has the pipe open to read. */
export function openToWrite(pipe: string): number | null {
  try {
    return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return null;
    throw error;
  }
}
