import * as z from 'zod/mini';
import { OPERATIONS } from '../../core/access.ts';
import { defineRoute } from './define-route.ts';
import { environmentEdit, environmentRequest, membership } from './environment-form.ts';
import { checkedServer } from './readiness-form.ts';
import { flag } from './wire.ts';

const tag = 'Environments';

/** The id or the name of an environment. */
export const ofEnvironment = z.object({ environment: z.string() });

export const listEnvironments = defineRoute({
  id: 'listEnvironments',
  at: 'GET /api/environments',
  tag,
  summary: 'list your environments',
  answer: { is: 'rows', row: membership },
});

export const createEnvironment = defineRoute({
  id: 'createEnvironment',
  at: 'POST /api/environments',
  tag,
  summary: 'describe a server to be captured',
  description: 'Who creates an environment is its admin. Without a `url` it is metrics-only.',
  body: environmentRequest,
  answer: { is: 'json', form: membership },
});

export const getEnvironment = defineRoute({
  id: 'getEnvironment',
  at: 'GET /api/environments/{environment}',
  tag,
  summary: 'show one environment',
  description: 'Fails where who asks may not do what `for` names.',
  params: ofEnvironment,
  query: z.object({ for: z.exactOptional(z.enum(OPERATIONS)) }),
  answer: { is: 'json', form: membership },
});

export const editEnvironment = defineRoute({
  id: 'editEnvironment',
  at: 'PUT /api/environments/{environment}',
  tag,
  summary: 'change an environment',
  description: 'What is absent stays as it was; null takes it away.',
  params: ofEnvironment,
  body: environmentEdit,
  answer: { is: 'json', form: membership },
});

export const deleteEnvironment = defineRoute({
  id: 'deleteEnvironment',
  at: 'DELETE /api/environments/{environment}',
  tag,
  summary: 'delete an environment without captures',
  description: 'Answers it as it was. Its schedules are deleted with it.',
  params: ofEnvironment,
  answer: { is: 'json', form: membership },
});

export const checkEnvironmentDeletion = defineRoute({
  id: 'checkEnvironmentDeletion',
  at: 'GET /api/environments/{environment}/deletion',
  tag,
  summary: 'check that an environment can be deleted',
  description: 'Fails as deleting it would; `withCaptures`: after its captures.',
  params: ofEnvironment,
  query: z.object({ withCaptures: z.exactOptional(flag) }),
  answer: { is: 'json', form: membership },
});

export const checkEnvironment = defineRoute({
  id: 'checkEnvironment',
  at: 'GET /api/environments/{environment}/check',
  isSlow: true,
  asksOthers: true,
  tag,
  summary: 'look at the server of an environment',
  description:
    'Changes nothing. `refusal` says why no capture could start, `logOff` that its owner has to switch the log on.',
  params: ofEnvironment,
  answer: { is: 'json', form: checkedServer },
});
