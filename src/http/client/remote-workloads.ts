import type { Actor } from '../../core/access.ts';
import type { Api } from '../../core/api.ts';
import { AppError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import type { StatementRecord } from '../../core/workloads/statements.ts';
import type { StatementsNotRun } from '../../core/workloads/workload-files.ts';
import type { StatementRequest } from '../../core/workloads/workload-service.ts';
import { EVERY_STATEMENT } from '../../core/workloads/statement-search.ts';
import type { FollowEvent, Following } from '../../core/workloads/committed-spans.ts';
import { searchFields } from '../contract/statement-query.ts';
import {
  followWorkload,
  listOrphans,
  readWorkload,
  removeOrphans,
  type FollowedPiece,
} from '../contract/workload-routes.ts';
import type { Connection } from './connection.ts';
import { byId } from './lasting-capture.ts';
import { ContinuedLines } from './continued-lines.ts';
import { said } from './said-fields.ts';

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
    const { follow = null } = request;
    if (follow === null) yield* this.#statements(ref, 'ndjson', request);
    else yield* this.#followed(ref, request, follow);
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
      yield this.#server.understood(
        () => lines.split('\n').map((line) => JSON.parse(line) as StatementRecord),
        'a statement that is not JSON',
      );
    }
    if (rest.join('') !== '') {
      throw new AppError('remote_failed', 'The server ended its answer early');
    }
  }

  /** What is followed is made SQL here: what was printed of it before the server was lost is known as records only. */
  async *readSql(
    actor: Actor,
    ref: string,
    request: Request = {},
  ): Progress<Uint8Array, readonly StatementsNotRun[]> {
    const { follow = null, search = EVERY_STATEMENT } = request;
    if (follow === null) return yield* this.#statements(ref, 'sql', request);
    const { sqlOf } = await import('../../workload/sql-text.ts');
    return yield* sqlOf(this.records(actor, ref, request), search);
  }

  #statements(
    ref: string,
    format: Format,
    { search, limit = null, after = null }: Request,
  ): Progress<Uint8Array, readonly StatementsNotRun[]> {
    const query = { format, ...searchFields(search), ...said({ limit, after }) };
    return this.#server.bytes(readWorkload, { params: { capture: ref }, query });
  }

  /** Goes on behind the last record that came where the server stops answering for a while. */
  #followed(
    ref: string,
    { search, limit = null, after = null }: Request,
    { signal, tell }: Following,
  ): AsyncGenerator<Uint8Array, unknown, void> {
    const lines = new ContinuedLines(after);
    let told: FollowEvent['type'] | null = null;
    const ask = (id: string): Progress<FollowedPiece, unknown> => {
      lines.begin();
      const left = limit === null ? null : limit - lines.count;
      const query = { ...searchFields(search), ...said({ limit: left, after: lines.last }) };
      return this.#server.attempt(followWorkload, { params: { capture: id }, query }, signal);
    };
    const pieces = async function* (id: string): AsyncGenerator<Uint8Array, unknown, void> {
      const run = ask(id);
      try {
        for (;;) {
          const step = await run.next();
          if (step.done === true) return step.value;
          const piece = step.value;
          if (piece.type === 'statements') {
            const bytes = lines.added(piece.bytes);
            if (bytes.length > 0) yield bytes;
          } else if (piece.type !== told) {
            // Who asks again is told again how it stands.
            told = piece.type;
            await tell(piece);
          }
        }
      } finally {
        await run.return(undefined);
      }
    };
    return byId(this.#server, ref, signal, (id) =>
      this.#server.outage.run(() => pieces(id), signal),
    );
  }

  listOrphans: Workloads['listOrphans'] = () => this.#server.list(listOrphans, {});

  removeOrphans: Workloads['removeOrphans'] = (_actor, captureIds) =>
    this.#server.value(removeOrphans, { body: { captureIds: [...captureIds] } });
}
