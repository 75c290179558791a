import { listAudit } from '../../contract/audit-routes.ts';
import { listCalls } from '../../contract/call-routes.ts';
import { handle } from '../handler.ts';

export const auditHandlers = [
  handle(listAudit, ({ api, actor }, { query }) => {
    const { env = null, capture = null, since = null, limit = null } = query;
    return api.audit.list(actor, { environment: env, capture, since, limit });
  }),
  handle(listCalls, ({ api, actor }, { query: { since = null, limit = null } }) =>
    api.audit.listCalls(actor, { since, limit }),
  ),
];
