import { ApiFailure, isAbort } from './page-api.ts';

/** How long to wait before something is asked for again, in milliseconds. */
export const WAITS = { active: 2_000, calm: 15_000, unreachable: 4_000 } as const;

/**
 * Asks again and again while the page is seen: at once, then after as long as each answer says.
 * @param ask returns how long to wait; null ends it.
 * @param failed told of what `ask` threw; asked again where there was no answer at all.
 */
export function repeat(
  ask: (signal: AbortSignal) => Promise<number | null>,
  failed: (error: unknown) => void,
): { readonly again: () => void; readonly end: () => void } {
  let current = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isEnded = false;
  let isDue = false;
  const run = async (): Promise<void> => {
    const { signal } = (current = new AbortController());
    let wait: number | null = null;
    try {
      wait = await ask(signal);
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      failed(error);
      if (error instanceof ApiFailure && (error.status === 0 || error.status >= 429))
        wait = WAITS.unreachable;
    }
    if (signal.aborted || isEnded || wait === null) return;
    timer = setTimeout(() => {
      if (document.hidden) isDue = true;
      else void run();
    }, wait);
  };
  const again = (): void => {
    clearTimeout(timer);
    current.abort();
    isDue = false;
    if (!isEnded) void run();
  };
  const seen = (): void => {
    if (!document.hidden && isDue) again();
  };
  document.addEventListener('visibilitychange', seen);
  void run();
  return {
    again,
    end: () => {
      isEnded = true;
      clearTimeout(timer);
      current.abort();
      document.removeEventListener('visibilitychange', seen);
    },
  };
}
