import type { Api } from '../../core/api.ts';
import { listAudit } from '../contract/audit-routes.ts';
import { listCalls } from '../contract/call-routes.ts';
import type { Connection } from './connection.ts';
import { said } from './said-fields.ts';

type Audit = Api['audit'];

/** `AuditLog` on a server. */
export class RemoteAudit implements Audit {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  list: Audit['list'] = (_actor, { environment: env, capture, since, limit }) =>
    this.#server.list(listAudit, { query: said({ env, capture, since, limit }) });

  listCalls: Audit['listCalls'] = (_actor, { since, limit }) =>
    this.#server.list(listCalls, { query: said({ since, limit }) });
}
