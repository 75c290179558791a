import type { GrownTimes } from '../core/reports/server-times.ts';
import type { AddedInterval, NumberedText, TimesTable } from '../core/reports/times-table.ts';

/** A capture has times of so many digests at most, the first that came. */
const MOST_DIGESTS = 20_000;

interface CaptureDigests {
  readonly numbers: Map<string, number>;
  /** Names of those whose text is not stored yet. */
  readonly textless: Set<string>;
  next: number;
}

type Grown = GrownTimes['grown'];

/** The numbers that digests have in the intervals of captures, each of which stores a text once. */
export class NumberedDigests {
  readonly #times: Pick<TimesTable, 'digestsOf'>;
  readonly #byCapture = new Map<number, CaptureDigests>();

  constructor(times: Pick<TimesTable, 'digestsOf'>) {
    this.#times = times;
  }

  /** Those whose text one of the captures does not have. */
  withoutText(captureIds: readonly number[], grown: Grown): string[] {
    const known = captureIds.map((id) => this.#of(id));
    const isMissing = (name: string): boolean =>
      known.some(({ numbers, textless }) => !numbers.has(name) || textless.has(name));
    return grown.map(({ name }) => name).filter(isMissing);
  }

  /**
   * What an interval of a capture is to store of them.
   * @param texts of some of them, by name; of the others the text follows.
   */
  number(
    captureId: number,
    grown: Grown,
    texts: ReadonlyMap<string, Omit<NumberedText, 'number'>>,
  ): Pick<AddedInterval, 'digests' | 'texts' | 'sums'> & { readonly isFull: boolean } {
    const digests = this.#of(captureId);
    const { numbers, textless } = digests;
    const sums: AddedInterval['sums'][number][] = [];
    const added: NumberedText[] = [];
    let isFull = false;
    for (const { name, sums: grew } of grown) {
      let number = numbers.get(name);
      if (number === undefined && digests.next === MOST_DIGESTS) {
        isFull = true;
        continue;
      }
      if (number === undefined) {
        number = digests.next++;
        numbers.set(name, number);
        textless.add(name);
      }
      sums.push([number, grew]);
      const text = textless.has(name) ? texts.get(name) : undefined;
      if (text === undefined) continue;
      textless.delete(name);
      added.push({ number, ...text });
    }
    return { digests: digests.next, texts: added, sums, isFull };
  }

  /** Forgets a capture that is over. */
  forget(captureId: number): void {
    this.#byCapture.delete(captureId);
  }

  /** After a restart the numbers go on, with the texts once more: what they stood for is not read again. */
  #of(captureId: number): CaptureDigests {
    let digests = this.#byCapture.get(captureId);
    if (digests === undefined) {
      const next = this.#times.digestsOf(captureId);
      digests = { numbers: new Map(), textless: new Set(), next };
      this.#byCapture.set(captureId, digests);
    }
    return digests;
  }
}
