import { AppError } from '../errors.ts';
import type { ListedCapture } from '../store.ts';

/**
 * Why there are no statements of this one.
 * @param nothing what is said of a capture of which there are metrics alone.
 */
export function withoutStatements(
  { type, name, environmentName }: ListedCapture,
  nothing: () => AppError,
): AppError {
  if (type === 'CAPTURE') return nothing();
  return new AppError('not_found', `"${name}" is a replay: it has no record of its own`, {
    hint: { code: 'see_replay', capture: { environmentName, name } },
  });
}
