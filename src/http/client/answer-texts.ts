/** The whole body as text. */
export async function textOf(body: AsyncIterable<unknown>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Lines, as they come; empty ones too, but not what follows the last one's end. Each character is looked at once,
 * however long a line is and however it is cut.
 */
export async function* linesOf(body: AsyncIterable<unknown>): AsyncGenerator<string, void, void> {
  // A mark of the byte order is a character like others.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let begun: string[] = [];
  for await (const chunk of body) {
    const text = decoder.decode(chunk as Uint8Array, { stream: true });
    let from = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
      begun.push(text.slice(from, end));
      const line = begun.length === 1 ? (begun[0] ?? '') : begun.join('');
      begun = [];
      from = end + 1;
      yield line;
    }
    if (from < text.length) begun.push(text.slice(from));
  }
}
