import { readSync } from 'node:fs';
import { Digester } from '../../sql/digest.ts';
import { LineScanner } from './line-scanner.ts';
import { freeAtOnce } from './freed-memory.ts';
import {
  KindsOfStatements,
  RecordCounter,
  type CountedRange,
  type SaneTimes,
} from './record-counter.ts';
import { frameText, type SegmentUnit } from './segment-units.ts';
import type { TallyBuilder } from './tally-builder.ts';

/** What is counted of a unit. */
export interface UnitTask {
  /** Of the segment's file, which is open for as long as this takes. */
  readonly fd: number;
  readonly unit: SegmentUnit;
  /** The number of the row before its first. */
  readonly row: number;
  readonly range: CountedRange;
  /** Instants that records may have, in milliseconds. */
  readonly window: SaneTimes;
}

/** How much of a file was counted. */
export interface CountedUnit {
  /** Of the segment's file. */
  readonly bytes: number;
  readonly records: number;
  /** Lines that are no record, and pieces of the file that are no frame. */
  readonly wrongLines: number;
  readonly lostFrames: number;
}

/** More rows than a unit can have: a record has 50 bytes and more. */
export const MOST_ROWS_OF_A_UNIT = 2 ** 26;

/** Read at once, of frames that are smaller. */
const READ_BYTES = 256 * 1024;

/** Counts units, one after the other: what it knows of digests it keeps. */
export class UnitCounter {
  readonly #digester = new Digester();
  readonly #kinds = new KindsOfStatements();
  #buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  /** Of the file: what is in the buffer. */
  #start = 0;
  #end = 0;

  /**
   * Adds a unit to a tally, which is of what came directly before it, or of nothing.
   * @param pause called now and then, and awaited.
   * @param isAlone to be put together with others: a tally that is full ends it.
   * @throws the system's own errors when the file cannot be read.
   */
  async count(
    tally: TallyBuilder,
    task: UnitTask,
    pause: () => Promise<void>,
    isAlone = false,
  ): Promise<CountedUnit> {
    const { fd, unit, row, range, window } = task;
    tally.rows = row;
    const counter = new RecordCounter(tally, range, this.#kinds);
    const scanner = new LineScanner(counter, tally, this.#digester, window);
    let lostFrames = 0;
    let at = unit.from;
    let sincePause = 0;
    this.#end = this.#start;
    for (const length of unit.lengths) {
      const text = length > 0 ? frameText(this.#read(fd, at, length, unit)) : null;
      at += Math.abs(length);
      if (text === null) {
        lostFrames++;
        scanner.lose();
        continue;
      }
      scanner.push(text);
      // Of no use then: all is counted anew.
      if (isAlone && tally.isFull) break;
      sincePause += text.length;
      freeAtOnce(text);
      if (sincePause < READ_BYTES) continue;
      sincePause = 0;
      await pause();
    }
    scanner.end();
    const { records, wrongLines } = scanner;
    return { bytes: unit.bytes, records, wrongLines, lostFrames };
  }

  /** Bytes of the file; overwritten by the next call. */
  #read(fd: number, at: number, length: number, unit: SegmentUnit): Buffer {
    if (at < this.#start || at + length > this.#end) {
      const wanted = Math.min(Math.max(length, READ_BYTES), unit.from + unit.bytes - at);
      if (wanted > this.#buffer.length) this.#buffer = Buffer.allocUnsafeSlow(wanted);
      this.#start = at;
      this.#end = at;
      while (this.#end < at + length) {
        const read = readSync(
          fd,
          this.#buffer,
          this.#end - at,
          wanted - (this.#end - at),
          this.#end,
        );
        // The file was cut short meanwhile: what is missing cannot be decompressed.
        if (read === 0) break;
        this.#end += read;
      }
    }
    return this.#buffer.subarray(at - this.#start, Math.min(at + length, this.#end) - this.#start);
  }
}
