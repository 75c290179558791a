/** A request that is refused before any use case sees it. */
export class Refusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** The server is about to end, or to be started over. */
export function serverEnds(): Refusal {
  return new Refusal(503, 'The server is being stopped: ask again when it is back', {
    'retry-after': '5',
  });
}
