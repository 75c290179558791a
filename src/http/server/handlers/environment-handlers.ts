import {
  checkEnvironment,
  checkEnvironmentDeletion,
  createEnvironment,
  deleteEnvironment,
  editEnvironment,
  getEnvironment,
  listEnvironments,
} from '../../contract/environment-routes.ts';
import { addMember, listMembers, removeMember, setMember } from '../../contract/member-routes.ts';
import { handle } from '../handler.ts';

export const environmentHandlers = [
  handle(listEnvironments, ({ api, actor }) => api.environments.list(actor)),
  handle(createEnvironment, ({ api, actor }, { body }) => api.environments.create(actor, body)),
  handle(getEnvironment, ({ api, actor }, { params, query }) =>
    api.environments.get(actor, params.environment, query.for),
  ),
  handle(editEnvironment, ({ api, actor }, { params, body }) =>
    api.environments.edit(actor, params.environment, body),
  ),
  handle(deleteEnvironment, ({ api, actor }, { params }) =>
    api.environments.delete(actor, params.environment),
  ),
  handle(checkEnvironmentDeletion, ({ api, actor }, { params, query }) =>
    api.environments.checkDeletion(actor, params.environment, query.withCaptures === true),
  ),
  handle(checkEnvironment, ({ api, actor }, { params }) =>
    api.environments.check(actor, params.environment),
  ),
];

export const memberHandlers = [
  handle(listMembers, ({ api, actor }, { params }) => api.members.list(actor, params.environment)),
  handle(addMember, ({ api, actor }, { params, body: { user, role = 'member' } }) =>
    api.members.add(actor, params.environment, user, role),
  ),
  handle(setMember, ({ api, actor }, { params, body }) =>
    api.members.set(actor, params.environment, params.user, body.role),
  ),
  handle(removeMember, ({ api, actor }, { params }) =>
    api.members.remove(actor, params.environment, params.user),
  ),
];
