import type { TestOptions } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why it is skipped. */
    skipped?: string;
  }
}

/** Options of a test or a group: it runs when `isThere`, else it is skipped and `reason` is counted. */
export function needs(isThere: boolean, reason: string): TestOptions {
  return isThere ? {} : { skip: true, meta: { skipped: reason } };
}
