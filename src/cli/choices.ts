import { AppError } from '../core/errors.ts';

/**
 * The choice that a value means, in any case.
 * @throws AppError `invalid` naming what there is to choose from.
 */
export function oneOf<T extends string>(choices: readonly T[], value: string, what: string): T {
  const found = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
  if (found !== undefined) return found;
  throw new AppError('invalid', `${what} has no value "${value}"`, {
    hint: `Choose from: ${choices.join(', ')}`,
  });
}
