import * as z from 'zod/mini';
import type { ListedMember } from '../../core/members/member-service.ts';
import { defineRoute } from './define-route.ts';
import { ofEnvironment } from './environment-routes.ts';
import { documented, type Form } from './wire.ts';

const tag = 'Members';

const role = z.enum(['member', 'admin']);

const memberOnWire = documented(
  z.object({
    user: z.string(),
    role,
    environment: z.string(),
    envId: z.int(),
    userId: z.int(),
  }),
  { id: 'Member' },
);

const member: Form<ListedMember> = z.codec(memberOnWire, z.custom<ListedMember>(), {
  decode: ({ user, environment, envId, ...rest }) => ({
    ...rest,
    userName: user,
    environmentName: environment,
    environmentId: envId,
  }),
  encode: ({ userName, environmentName, environmentId, ...rest }) => ({
    ...rest,
    user: userName,
    environment: environmentName,
    envId: environmentId,
  }),
});

/** `user` is a name. */
const ofMember = z.object({ environment: z.string(), user: z.string() });

export const listMembers = defineRoute({
  id: 'listMembers',
  at: 'GET /api/environments/{environment}/members',
  tag,
  summary: 'list the members of an environment',
  params: ofEnvironment,
  answer: { is: 'rows', row: member },
});

export const addMember = defineRoute({
  id: 'addMember',
  at: 'POST /api/environments/{environment}/members',
  tag,
  summary: 'let a user into an environment',
  params: ofEnvironment,
  body: z.object({ user: z.string(), role: z.exactOptional(role) }),
  answer: { is: 'json', form: member },
});

export const setMember = defineRoute({
  id: 'setMember',
  at: 'PUT /api/environments/{environment}/members/{user}',
  tag,
  summary: "change a member's role",
  params: ofMember,
  body: z.object({ role }),
  answer: { is: 'json', form: member },
});

export const removeMember = defineRoute({
  id: 'removeMember',
  at: 'DELETE /api/environments/{environment}/members/{user}',
  tag,
  summary: 'remove a member; anybody may leave',
  description: 'Answers the member as they were.',
  params: ofMember,
  answer: { is: 'json', form: member },
});
