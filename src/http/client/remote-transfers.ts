import type { Actor } from '../../core/access.ts';
import type { Api } from '../../core/api.ts';
import type { Progress } from '../../core/progress.ts';
import type { StatementFormat } from '../../core/workloads/transfer.ts';
import type { StatementsNotRun } from '../../core/workloads/workload-files.ts';
import type { StatementRequest } from '../../core/workloads/workload-service.ts';
import { importCapture } from '../contract/import-routes.ts';
import { searchFields } from '../contract/statement-query.ts';
import { archiveCapture, checkExport, exportWorkload } from '../contract/workload-routes.ts';
import type { Connection } from './connection.ts';
import { said } from './said-fields.ts';

type Transfers = Api['transfers'];

/** `TransferService` on a server. */
export class RemoteTransfers implements Transfers {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  exportable: Transfers['exportable'] = (_actor, ref, format) =>
    this.#server.value(checkExport, { params: { capture: ref }, query: said({ format }) });

  archive(_actor: Actor, ref: string): ReturnType<Transfers['archive']> {
    return this.#server.bytes(archiveCapture, { params: { capture: ref } });
  }

  statements(
    _actor: Actor,
    ref: string,
    format: StatementFormat,
    { search, limit = null }: Partial<StatementRequest> = {},
  ): Progress<Uint8Array, readonly StatementsNotRun[]> {
    return this.#server.bytes(exportWorkload, {
      params: { capture: ref },
      query: { format, ...searchFields(search), ...(limit === null ? {} : { limit }) },
    });
  }

  import: Transfers['import'] = (_actor, archive, { environment, name }, signal) =>
    this.#server.progress(
      importCapture,
      { query: said({ env: environment, name }), upload: archive },
      signal,
    );
}
