import { linesOf } from './answer-texts.ts';

/** One server-sent event. */
export interface ServerEvent {
  /** null for one without a name. */
  readonly event: string | null;
  readonly data: string;
}

/**
 * Reads server-sent events as the server writes them: an `event` and one `data` line each, or a comment, which keeps
 * the connection alive. One that is cut short is left out.
 */
export async function* readEvents(
  stream: AsyncIterable<unknown>,
): AsyncGenerator<ServerEvent, void, void> {
  let event: string | null = null;
  let data: string | null = null;
  for await (const line of linesOf(stream)) {
    if (line.startsWith('event: ')) event = line.slice(7);
    else if (line.startsWith('data: ')) data = line.slice(6);
    else if (line === '') {
      if (data !== null) yield { event, data };
      event = null;
      data = null;
    }
  }
}
