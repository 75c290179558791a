import type { Actor } from '../../core/access.ts';
import type { Api } from '../../core/api.ts';
import { AppError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { StatementRecord } from '../../core/workloads/statements.ts';
import type { StatementsNotRun } from '../../core/workloads/workload-files.ts';
import type { StatementRequest } from '../../core/workloads/workload-service.ts';
import { searchFields } from '../contract/statement-query.ts';
import {
  followWorkload,
  listOrphans,
  readWorkload,
  removeOrphans,
} from '../contract/workload-routes.ts';
import type { Connection } from './connection.ts';

type Workloads = Api['workloads'];
type Format = 'ndjson' | 'sql';
type Request = Partial<StatementRequest>;

/** `WorkloadService` on a server. */
export class RemoteWorkloads implements Workloads {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  async *read(
    _actor: Actor,
    ref: string,
    request: Request = {},
  ): AsyncGenerator<Uint8Array, void, void> {
    yield* this.#statements(ref, 'ndjson', request);
  }

  /** The lines, parsed here: a part for each piece that came. */
  async *records(
    actor: Actor,
    ref: string,
    request: Request = {},
  ): AsyncGenerator<readonly StatementRecord[], void, void> {
    const decoder = new TextDecoder();
    // A line of many pieces is put together once.
    let rest: string[] = [];
    for await (const chunk of this.read(actor, ref, request)) {
      const text = decoder.decode(chunk, { stream: true });
      const end = text.lastIndexOf('\n');
      if (end === -1) {
        rest.push(text);
        continue;
      }
      const lines = [...rest, text.slice(0, end)].join('');
      rest = [text.slice(end + 1)];
      yield lines.split('\n').map((line) => JSON.parse(line) as StatementRecord);
    }
    if (rest.join('') !== '') {
      throw new AppError('remote_failed', 'The server ended its answer early');
    }
  }

  readSql(
    _actor: Actor,
    ref: string,
    request: Request = {},
  ): Progress<Uint8Array, readonly StatementsNotRun[]> {
    return this.#statements(ref, 'sql', request);
  }

  async *#statements(
    ref: string,
    format: Format,
    { search, limit = null, follow = null }: Request,
  ): Progress<Uint8Array, readonly StatementsNotRun[]> {
    const query = { format, ...searchFields(search), ...(limit === null ? {} : { limit }) };
    const asked = { params: { capture: ref }, query };
    if (follow === null) return yield* this.#server.bytes(readWorkload, asked);
    const run = this.#server.progress(followWorkload, asked, follow.signal);
    try {
      for (;;) {
        const step = await run.next();
        if (step.done === true) return step.value;
        const piece = step.value;
        if (piece.type === 'statements') yield piece.bytes;
        else await follow.tell(piece);
      }
    } finally {
      await run.return(undefined as never);
    }
  }

  listOrphans: Workloads['listOrphans'] = () => this.#server.list(listOrphans, {});

  removeOrphans: Workloads['removeOrphans'] = (_actor, captureIds) =>
    this.#server.value(removeOrphans, { body: { captureIds: [...captureIds] } });
}
