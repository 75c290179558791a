import { AppError } from '../../core/errors.ts';

/**
 * The choice that a value means, in any case.
 * @throws AppError `invalid` naming what there is to choose from.
 */
export function oneOf<T extends string>(choices: readonly T[], value: string, what: string): T {
  const found = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
  if (found !== undefined) return found;
  throw new AppError('invalid', `${what} cannot be "${value}"`, {
    hint: `Choose from: ${choices.join(', ')}`,
  });
}

/** The failure of a command line with two options of which one would do. */
export function contradiction(one: string, other: string): AppError {
  return new AppError('invalid', `${one} and ${other} contradict one another`, {
    hint: 'Give one of the two.',
  });
}

/** What an option's parser says of itself, so that completion offers what the parser accepts. */
export interface Offer {
  readonly choices: readonly string[];
  /** More than one may be given, with commas between them. */
  readonly isList: boolean;
  /** Each is the beginning of a value: `env:`. */
  readonly isBeginning: boolean;
}

/** The same parser, with what there is to choose from. */
export function offering<Typed extends unknown[], Value>(
  choices: readonly string[],
  parse: (...typed: Typed) => Value,
  how: Partial<Pick<Offer, 'isList' | 'isBeginning'>> = {},
): ((...typed: Typed) => Value) & { readonly offer: Offer } {
  const offer = { choices, isList: false, isBeginning: false, ...how };
  return Object.assign((...typed: Typed) => parse(...typed), { offer });
}

/** The parser of an option that takes one of these, in any case. */
export function choice<T extends string>(
  choices: readonly T[],
  what: string,
): ((value: string) => T) & { readonly offer: Offer } {
  return offering(choices, (value: string) => oneOf(choices, value, what));
}

/** What a parser has to offer; null when it takes any text. */
export function offerOf(parser: unknown): Offer | null {
  return typeof parser === 'function' && 'offer' in parser ? (parser.offer as Offer) : null;
}
