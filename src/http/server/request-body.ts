import { Refusal } from './refusal.ts';

/** Every body that is JSON is far smaller. */
export const LARGEST_BODY_BYTES = 1024 * 1024;

/**
 * Reads a body of JSON.
 * @returns an empty object where there is none.
 * @throws Refusal 413 for one that is too large, without reading on; 400 for what is no JSON object.
 */
export async function readJsonBody(
  body: AsyncIterable<Uint8Array>,
  declared: string | undefined,
): Promise<object> {
  if (Number(declared ?? 0) > LARGEST_BODY_BYTES) throw tooLarge();
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > LARGEST_BODY_BYTES) throw tooLarge();
    pieces.push(piece);
  }
  if (size === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces)));
  } catch {
    throw new Refusal(400, 'The body is not valid JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Refusal(400, 'The body must be a JSON object');
}

function tooLarge(): Refusal {
  return new Refusal(413, `The body is larger than ${LARGEST_BODY_BYTES / 1024 / 1024} MiB`, {
    connection: 'close',
  });
}
