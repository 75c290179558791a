/** Where the bytes of the packets of one chunk lie; a packet's payload begins at `start`. */
export interface PacketSpan {
  buffer: Buffer;
  start: number;
  end: number;
}

const HEADER_BYTES = 4;
const LONGEST_PAYLOAD = 0xffffff;

/**
 * Cuts the byte stream of a server's answer into packets
 * (https://mariadb.com/kb/en/0-packet/): three bytes of length, one of sequence, the payload; a
 * payload of 16 MiB - 1 goes on in the next packet. A packet that lies whole in a chunk is not copied,
 * and one that spans chunks is copied once, however many they are.
 */
export class PacketCutter {
  #parts: Buffer[] = [];
  #partBytes = 0;
  /** Bytes that must be there before it is worth joining the parts. */
  #needed = HEADER_BYTES;
  #long: Buffer[] = [];

  /**
   * Calls `take` for every packet that is complete with this chunk. The span is one object, used
   * again for each.
   */
  push(chunk: Buffer, take: (span: PacketSpan) => void): void {
    let buffer = chunk;
    if (this.#parts.length > 0) {
      this.#parts.push(chunk);
      this.#partBytes += chunk.length;
      if (this.#partBytes < this.#needed) return;
      buffer = Buffer.concat(this.#parts, this.#partBytes);
      this.#parts = [];
      this.#partBytes = 0;
    }
    const span: PacketSpan = { buffer, start: 0, end: 0 };
    const end = buffer.length;
    let at = 0;
    let needed = HEADER_BYTES;
    while (end - at >= HEADER_BYTES) {
      const length =
        (buffer[at] ?? 0) | ((buffer[at + 1] ?? 0) << 8) | ((buffer[at + 2] ?? 0) << 16);
      if (end - at < HEADER_BYTES + length) {
        needed = HEADER_BYTES + length;
        break;
      }
      const start = at + HEADER_BYTES;
      at = start + length;
      if (length === LONGEST_PAYLOAD) {
        this.#long.push(buffer.subarray(start, at));
      } else if (this.#long.length > 0) {
        this.#long.push(buffer.subarray(start, at));
        const whole = Buffer.concat(this.#long);
        this.#long = [];
        take({ buffer: whole, start: 0, end: whole.length });
      } else {
        span.start = start;
        span.end = at;
        take(span);
      }
    }
    if (at < end) {
      const rest = buffer.subarray(at);
      this.#parts = [rest];
      this.#partBytes = rest.length;
      this.#needed = needed;
    }
  }
}

const NULL_FIELD = 0xfb;

/** The fields of a row of the text protocol (https://mariadb.com/kb/en/resultset-row/). */
export function textsOf({ buffer, start, end }: PacketSpan): (string | null)[] {
  const fields: (string | null)[] = [];
  for (let at = start; at < end;) {
    const first = buffer[at] ?? 0;
    at++;
    if (first === NULL_FIELD) {
      fields.push(null);
      continue;
    }
    let length = first;
    if (first > NULL_FIELD) {
      const bytes = first === 0xfc ? 2 : first === 0xfd ? 3 : 6;
      length = buffer.readUIntLE(at, bytes);
      at += first === 0xfe ? 8 : bytes;
    }
    fields.push(buffer.toString('utf8', at, at + length));
    at += length;
  }
  return fields;
}
