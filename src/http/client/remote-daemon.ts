import type { Api } from '../../core/api.ts';
import { getDaemon, getUnattended, listNeglected } from '../contract/daemon-routes.ts';
import { diagnoseEnvironments, diagnoseStore } from '../contract/diagnosis-routes.ts';
import type { Connection } from './connection.ts';

type Daemon = Api['daemon'];
type Diagnosis = Api['diagnosis'];

/** `DaemonService` on a server: what is in the environments of who asks. */
export class RemoteDaemon implements Daemon {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  status: Daemon['status'] = () => this.#server.value(getDaemon, {});

  /** A server tells nothing to who is not logged in, and there is nothing to warn them of. */
  unattended: Daemon['unattended'] = () =>
    this.#server.secret === null
      ? Promise.resolve({ captures: 0, hasServers: false })
      : this.#server.value(getUnattended, {});

  neglected: Daemon['neglected'] = () => this.#server.value(listNeglected, {});
}

/** `DiagnosisService` on a server. */
export class RemoteDiagnosis implements Diagnosis {
  readonly #server: Connection;

  constructor(server: Connection) {
    this.#server = server;
  }

  ofStore: Diagnosis['ofStore'] = () => this.#server.list(diagnoseStore, {});

  ofEnvironments: Diagnosis['ofEnvironments'] = () => this.#server.list(diagnoseEnvironments, {});
}
