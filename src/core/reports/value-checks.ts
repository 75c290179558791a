/** What a value read from a file has to be, field by field. */

/** More than a report of the largest tally has. */
const MOST_ROWS = 100_000;

/** A value that is not as it has to be: the message says which and why. */
export class Unfit extends Error {}

/** @throws Unfit */
export type Check = (value: unknown, path: string) => void;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function check(what: string, is: (value: unknown) => boolean): Check {
  return (value, path) => {
    if (value === undefined) throw new Unfit(`${path} is missing`);
    if (!is(value)) throw new Unfit(`${path} is not ${what}`);
  };
}

export const TEXT = check('a text', (value) => typeof value === 'string');
export const YES_OR_NO = check('true or false', (value) => typeof value === 'boolean');
export const COUNT = check(
  'a whole number',
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);
export const NUMBER = check(
  'a number',
  (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
);
export const TIME = check(
  'a time',
  (value) => typeof value === 'string' && Number.isFinite(Date.parse(value)),
);

export function oneOf(choices: readonly string[]): Check {
  return check(`one of ${choices.join(', ')}`, (value) => choices.includes(value as string));
}

export function orNull(inner: Check): Check {
  return (value, path) => {
    if (value !== null) inner(value, path);
  };
}

export function list(inner: Check, most = MOST_ROWS): Check {
  return (value, path) => {
    if (value === undefined) throw new Unfit(`${path} is missing`);
    if (!Array.isArray(value)) throw new Unfit(`${path} is not a list`);
    if (value.length > most) throw new Unfit(`${path} has more than ${most} items`);
    for (const [index, item] of value.entries()) inner(item, `${path}[${index}]`);
  };
}

export function object(fields: Readonly<Record<string, Check>>): Check {
  return (value, path) => {
    if (value === undefined) throw new Unfit(`${path} is missing`);
    if (!isObject(value)) throw new Unfit(`${path === '' ? 'it' : path} is not an object`);
    for (const [name, inner] of Object.entries(fields)) {
      inner(value[name], path === '' ? name : `${path}.${name}`);
    }
  };
}
