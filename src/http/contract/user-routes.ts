import * as z from 'zod/mini';
import type { AuthenticatedActor } from '../../core/users/user-service.ts';
import { defineRoute } from './define-route.ts';
import { formOf, instant } from './wire.ts';

const tag = 'Users';

export const actor = formOf<AuthenticatedActor>()(
  z.object({
    userId: z.int(),
    userName: z.string(),
    isStoreAdmin: z.boolean(),
    credentialId: z.int(),
    kind: z.enum(['session', 'token']),
    expiresAt: instant,
  }),
);

export const whoAmI = defineRoute({
  id: 'whoAmI',
  at: 'GET /api/whoami',
  tag,
  summary: 'show who is logged in',
  answer: { is: 'json', form: actor },
});
