import * as z from 'zod/mini';
import type { ListedToken } from '../../core/users/token-rules.ts';
import { defineRoute } from './define-route.ts';
import { instant, orNull, seconds, type Form } from './wire.ts';

const tag = 'Tokens';

const tokenOnWire = z.object({
  id: z.int(),
  name: orNull(z.string()),
  createdAt: instant,
  expiresAt: instant,
  readOnly: z.boolean(),
  environments: orNull(z.array(z.string())),
  envIds: orNull(z.array(z.int())),
  userId: z.int(),
  kind: z.enum(['session', 'token']),
});

/** Never with its secret. */
const token: Form<ListedToken> = z.codec(tokenOnWire, z.custom<ListedToken>(), {
  decode: ({ readOnly: isReadOnly, envIds: environmentIds, ...rest }) => ({
    ...rest,
    scope: { isReadOnly, environmentIds },
  }),
  encode: ({ scope, environments, ...rest }) => ({
    ...rest,
    readOnly: scope.isReadOnly,
    environments: environments === null ? null : [...environments],
    envIds: scope.environmentIds === null ? null : [...scope.environmentIds],
  }),
});

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
    'Its secret is shown this once. It expires after `expires` seconds, by default after 90 days. With `readOnly` it changes nothing; with `environments` (ids or names) no other environment exists for it.',
  body: z.object({
    name: z.string(),
    expires: z.exactOptional(seconds),
    readOnly: z.exactOptional(z.boolean()),
    environments: z.exactOptional(orNull(z.array(z.string()))),
  }),
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
