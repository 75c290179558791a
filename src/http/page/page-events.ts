/** One server-sent event. */
export interface PageEvent {
  /** null for one without a name. */
  readonly name: string | null;
  readonly data: string;
}

/** Reads server-sent events as the API writes them: an `event` and one `data` line each. */
export async function* readPageEvents(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<PageEvent, void, void> {
  const decoder = new TextDecoder();
  // Pieces are joined when an event is whole: a result of megabytes comes in hundreds of them.
  let pieces: string[] = [];
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    pieces.push(text);
    const seam = (pieces.at(-2)?.at(-1) ?? '') + text;
    if (!seam.includes('\n\n')) continue;
    const blocks = pieces.join('').split('\n\n');
    pieces = [blocks.pop() ?? ''];
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== null) yield event;
    }
  }
}

/** null for a comment, which keeps a connection alive. */
function eventOf(block: string): PageEvent | null {
  let name: string | null = null;
  let data: string | null = null;
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) name = line.slice(7);
    else if (line.startsWith('data: ')) data = line.slice(6);
  }
  return data === null ? null : { name, data };
}
