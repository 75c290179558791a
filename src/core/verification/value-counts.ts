interface Executes {
  readonly executes: number;
  readonly withoutValues: number;
}

export interface UserExecutes extends Executes {
  readonly user: string | null;
}

export interface SessionExecutes extends Executes {
  readonly session: number;
  /** Who it was at its first execute. */
  readonly user: string | null;
  readonly host: string | null;
}

/**
 * How many executes of a record have the values they were sent with. Users and sessions are listed as far
 * as they are remembered (see `ValueCounter`); the rest is in `otherUsers` and `otherSessions`, so that each
 * list adds up to the whole.
 */
export interface ValueCounts extends Executes {
  readonly users: readonly UserExecutes[];
  readonly otherUsers: Executes;
  readonly sessions: readonly SessionExecutes[];
  readonly otherSessions: Executes;
}

/** Of the executes the share with values, from 0 to 1; null where there is none. */
export function shareWithValues({ executes, withoutValues }: Executes): number | null {
  return executes === 0 ? null : (executes - withoutValues) / executes;
}

/**
 * A share in per cent, rounded down: 100 only for all of them, 0 only for none.
 * @returns `90 %`, or `99.97 %` and `0.02 %` where whole numbers would say all or none; `99 %` for just that.
 */
export function shareText(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`;
  const percent = share * 100;
  if (percent >= 1 && percent < 99) return `${Math.floor(percent)} %`;
  // 0.29 * 100 is less than 29.
  const hundredths = Math.max(Math.floor(percent * 100 + 1e-6), 1);
  return `${hundredths % 100 === 0 ? hundredths / 100 : (hundredths / 100).toFixed(2)} %`;
}

/** Those with executes without values, most of them first. */
export function lackingFirst<T extends Executes>(all: readonly T[]): T[] {
  return all
    .filter(({ withoutValues }) => withoutValues > 0)
    .sort((one, other) => other.withoutValues - one.withoutValues);
}
