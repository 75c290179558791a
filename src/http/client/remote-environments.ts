import type { Api } from '../../core/api.ts';
import {
  checkEnvironment,
  checkEnvironmentDeletion,
  createEnvironment,
  deleteEnvironment,
  editEnvironment,
  getEnvironment,
  listEnvironments,
} from '../contract/environment-routes.ts';
import { addMember, listMembers, removeMember, setMember } from '../contract/member-routes.ts';
import type { Connection } from './connection.ts';

type Environments = Api['environments'];
type Members = Api['members'];

/** `EnvironmentService` on a server. */
export class RemoteEnvironments implements Environments {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  create: Environments['create'] = (_actor, request) =>
    this.#server.value(createEnvironment, { body: request });

  list: Environments['list'] = () => this.#server.list(listEnvironments, {});

  get: Environments['get'] = (_actor, ref, operation) =>
    this.#server.value(getEnvironment, {
      params: { environment: ref },
      query: operation === undefined ? {} : { for: operation },
    });

  check: Environments['check'] = (_actor, ref) =>
    this.#server.value(checkEnvironment, { params: { environment: ref } });

  edit: Environments['edit'] = (_actor, ref, edit) =>
    this.#server.value(editEnvironment, { params: { environment: ref }, body: edit });

  delete: Environments['delete'] = (_actor, ref) =>
    this.#server.value(deleteEnvironment, { params: { environment: ref } });

  checkDeletion: Environments['checkDeletion'] = (_actor, ref, withCaptures) =>
    this.#server.value(checkEnvironmentDeletion, {
      params: { environment: ref },
      query: { withCaptures },
    });
}

/** `MemberService` on a server. */
export class RemoteMembers implements Members {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  list: Members['list'] = (_actor, ref) =>
    this.#server.list(listMembers, { params: { environment: ref } });

  add: Members['add'] = (_actor, ref, user, role) =>
    this.#server.value(addMember, { params: { environment: ref }, body: { user, role } });

  set: Members['set'] = (_actor, ref, user, role) =>
    this.#server.value(setMember, { params: { environment: ref, user }, body: { role } });

  remove: Members['remove'] = (_actor, ref, user) =>
    this.#server.value(removeMember, { params: { environment: ref, user } });
}
