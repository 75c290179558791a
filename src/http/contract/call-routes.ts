import * as z from 'zod/mini';
import type { ApiCall } from '../../core/audit/call-log.ts';
import { defineRoute } from './define-route.ts';
import { formOf, instant, orNull, wholeNumber } from './wire.ts';

const call = formOf<ApiCall>()(
  z.object({
    id: z.int(),
    at: instant,
    userId: orNull(z.int()),
    userName: orNull(z.string()),
    credentialId: orNull(z.int()),
    address: z.string(),
    method: z.string(),
    path: z.string(),
    status: z.int(),
    ms: z.int(),
  }),
);

export const listCalls = defineRoute({
  id: 'listCalls',
  at: 'GET /api/calls',
  tag: 'Audit',
  summary: 'list calls of the API',
  description:
    'Newest first: your own, or as an administrator of the store everybody’s. They are written once a second, and kept for 30 days, the newest 200,000 of them.',
  query: z.object({ since: z.exactOptional(instant), limit: z.exactOptional(wholeNumber) }),
  answer: { is: 'rows', row: call },
});
