import type { Handler } from '../handler.ts';
import { captureHandlers } from './capture-handlers.ts';
import { userHandlers } from './user-handlers.ts';

/** Every operation. */
export const HANDLERS: readonly Handler[] = [...captureHandlers, ...userHandlers];
