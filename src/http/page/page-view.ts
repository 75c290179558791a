import type { PageApi } from './page-api.ts';

/** What views are given. */
export interface PageContext {
  readonly api: PageApi;
  /** Said to who listens to the page, and shown for a while. */
  readonly say: (message: string) => void;
  /** Goes to another view: its part of the address behind `#`. */
  readonly go: (hash: string) => void;
}

/** One view of the page. */
export interface PageView {
  readonly title: string;
  readonly element: HTMLElement;
  /** What has the focus when it appears; null for its heading. */
  readonly focus?: () => HTMLElement | null;
  /** Of a key that no field took. @returns whether it was understood. */
  readonly onKey?: (event: KeyboardEvent) => boolean;
  /** Draws charts anew. */
  readonly redraw?: () => void;
  /** Ends what it does. */
  readonly leave?: () => void;
}
