/** One server-sent event. */
export interface ServerEvent {
  /** null for one without a name. */
  readonly event: string | null;
  readonly data: string;
}

/** Reads server-sent events as the server writes them: an `event` and one `data` line each. */
export async function* readEvents(
  stream: AsyncIterable<unknown>,
): AsyncGenerator<ServerEvent, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    rest += decoder.decode(chunk as Uint8Array, { stream: true });
    const blocks = rest.split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = eventOf(block);
      if (event !== null) yield event;
    }
  }
}

/** null for a comment, which keeps a connection alive. */
function eventOf(block: string): ServerEvent | null {
  let event: string | null = null;
  let data: string | null = null;
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) event = line.slice(7);
    else if (line.startsWith('data: ')) data = line.slice(6);
  }
  return data === null ? null : { event, data };
}
