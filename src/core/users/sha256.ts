/**
 * SHA-256 of a short text, the same as `node:crypto` computes (a test compares them). Every command
 * hashes one secret, its session's, and `node:crypto` costs `list` 5.5 ms of CPU (86 ms without it, 91 ms
 * with it; means of 200 runs each, in turns) and at least 5.3 ms to load. Not for passwords: those have
 * scrypt, in passwords.ts.
 */
export function sha256(text: string): Buffer {
  const state = Uint32Array.from(INITIAL_STATE);
  const message = padded(Buffer.from(text));
  for (let offset = 0; offset < message.length; offset += BLOCK_BYTES) {
    compress(state, message.subarray(offset, offset + BLOCK_BYTES));
  }
  const digest = Buffer.alloc(32);
  state.forEach((word, index) => digest.writeUInt32BE(word, index * 4));
  return digest;
}

// Names and constants as in FIPS 180-4.
const BLOCK_BYTES = 64;
const INITIAL_STATE = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];
const K = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/** The message, a one bit, zeros, and the message's length in bits, to the end of a block. */
function padded(message: Buffer): Buffer {
  const blocks = Math.ceil((message.length + 9) / BLOCK_BYTES);
  const whole = Buffer.alloc(blocks * BLOCK_BYTES);
  message.copy(whole);
  whole.writeUInt8(0x80, message.length);
  whole.writeUInt32BE(message.length * 8, whole.length - 4);
  return whole;
}

function compress(state: Uint32Array, block: Buffer): void {
  const words = new Uint32Array(K.length);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (const [t, constant] of K.entries()) {
    words[t] = t < 16 ? block.readUInt32BE(t * 4) : expanded(words, t);
    const choice = (e & f) ^ (~e & g);
    const one =
      h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + constant + at(words, t);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + majority;
    [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    state[index] = at(state, index) + word;
  });
}

function expanded(words: Uint32Array, t: number): number {
  const early = at(words, t - 15);
  const late = at(words, t - 2);
  const sigma0 = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
  const sigma1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
  return at(words, t - 16) + sigma0 + at(words, t - 7) + sigma1;
}

function at(words: Uint32Array, index: number): number {
  return words[index] ?? 0;
}

/** Rotated to the right. */
function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
