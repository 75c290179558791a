import * as z from 'zod/mini';
import type { Credential } from '../../core/store.ts';
import { defineRoute } from './define-route.ts';
import { formOf, instant, orNull, seconds } from './wire.ts';

const tag = 'Tokens';

const tokenFields = {
  id: z.int(),
  name: orNull(z.string()),
  createdAt: instant,
  expiresAt: instant,
  userId: z.int(),
  kind: z.enum(['session', 'token']),
};

/** Never with its secret. */
const token = formOf<Credential>()(z.object(tokenFields));

export const listTokens = defineRoute({
  id: 'listTokens',
  at: 'GET /api/tokens',
  tag,
  summary: 'list your tokens',
  answer: { is: 'rows', row: token },
});

export const createToken = defineRoute({
  id: 'createToken',
  at: 'POST /api/tokens',
  tag,
  summary: 'create a token for scripts',
  description:
    'Its secret is shown this once. It expires after `expires` seconds, by default after 90 days.',
  body: z.object({ name: z.string(), expires: z.exactOptional(seconds) }),
  answer: { is: 'json', form: z.object({ token, secret: z.string() }) },
});

export const revokeToken = defineRoute({
  id: 'revokeToken',
  at: 'DELETE /api/tokens/{token}',
  tag,
  summary: 'revoke a token',
  description: 'By its id or its name. Answers the token as it was.',
  params: z.object({ token: z.string() }),
  answer: { is: 'json', form: token },
});
