import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { nameKey } from '../names.ts';
import type { Store } from '../store.ts';
import { bucketOf, type AttemptCounter } from './attempt-counters.ts';

// So many wrong passwords at once, then one each ten seconds: 8,660 a day, whatever the names.
const FREE_ATTEMPTS = 20;
const FORGOTTEN_EACH_MS = 10_000;
/** From where somebody has logged in counts for as long as a session lasts. */
const KNOWN_FOR_MS = 30 * 86_400_000;

/** Attempts from an address, or of a name that logged in from one, by `bucket`: two bytes of a hash. */
export interface AddressAttemptTable {
  find(
    kind: 'address' | 'pair',
    bucket: number,
  ): { readonly failures: number; readonly lastAt: number } | null;
  put(kind: 'address' | 'pair', bucket: number, failures: number, lastAt: number): void;
}

/**
 * Slows down who tries one password at many names from one address. Who has logged in from there before is not
 * slowed down by others behind the same address, such as that of a proxy. The price: from an address that has used up
 * its attempts, a name that has logged in there is answered otherwise than any other, so who shares an address with
 * users can find out their names.
 */
export class AddressGate {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #address: string;

  constructor(store: Store, clock: Clock, address: string) {
    this.#store = store;
    this.#clock = clock;
    this.#address = networkOf(address);
  }

  /** The network that is counted, and whether somebody has logged in from it with a name. */
  seenAs(name: string): { readonly network: string; readonly isKnown: boolean } {
    return { network: this.#address, isKnown: this.#isKnown(name) };
  }

  /** What attempts at a name from here are counted by: of a name that is known here apart from all others. */
  counterOf(name: string): AttemptCounter {
    return this.#isKnown(name) ? this.#known(name) : ['name', nameKey(name)];
  }

  /**
   * Runs `attempt`, which says whether a password was right; one that was not right, or threw, is remembered.
   * @throws AppError `unauthenticated` while there were too many; then it is not run.
   */
  async pass(name: string, attempt: () => Promise<boolean>): Promise<boolean> {
    const isKnown = this.#isKnown(name);
    // Counted before it is known to be wrong, so that many at once are no more than many in a row.
    if (!isKnown) this.#count();
    const isRight = await attempt();
    if (isRight) {
      this.#store.transaction(() => {
        if (!isKnown) this.#add(-1);
        this.#store.addressAttempts.put('pair', this.#pairOf(name), 0, this.#clock.now());
      });
    }
    return isRight;
  }

  #count(): void {
    this.#store.transaction(() => {
      const before = this.#level();
      if (before > FREE_ATTEMPTS - 1) {
        const wait = (before - FREE_ATTEMPTS + 1) * FORGOTTEN_EACH_MS;
        throw new AppError('unauthenticated', 'Too many wrong passwords', {
          hint: `Try again in ${Math.ceil(wait / 1_000)} s.`,
        });
      }
      this.#add(1);
    });
  }

  #add(change: 1 | -1): void {
    const level = Math.max(this.#level() + change, 0);
    this.#store.addressAttempts.put('address', this.#addressBucket(), level, this.#clock.now());
  }

  /** Wrong passwords that are not forgotten yet. */
  #level(): number {
    const found = this.#store.addressAttempts.find('address', this.#addressBucket());
    if (found === null) return 0;
    const age = this.#clock.now() - found.lastAt;
    // A clock that was set back must not keep anyone out.
    return age < 0 ? 0 : Math.max(found.failures - age / FORGOTTEN_EACH_MS, 0);
  }

  #isKnown(name: string): boolean {
    const found = this.#store.addressAttempts.find('pair', this.#pairOf(name));
    return found !== null && this.#clock.now() - found.lastAt < KNOWN_FOR_MS;
  }

  #addressBucket(): number {
    return bucketOf(this.#store, ['address', this.#address]);
  }

  #pairOf(name: string): number {
    return bucketOf(this.#store, this.#known(name));
  }

  #known(name: string): AttemptCounter {
    return ['known', nameKey(name), this.#address];
  }
}

/**
 * What one party has of the network: an IPv4 address, or the 64 bits of an IPv6 one that every host may vary
 * behind. An IPv4 address in the form of IPv6 is that address.
 */
export function networkOf(address: string): string {
  const [text = ''] = address.toLowerCase().split('%', 1);
  const [, v4] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (v4 !== undefined) return v4;
  if (!text.includes(':')) return text;
  const [head = '', tail] = text.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(8 - groups.length - after.length, 0);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...after];
  return all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
