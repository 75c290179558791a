import { getDaemon, getUnattended, listNeglected } from '../../contract/daemon-routes.ts';
import { diagnoseEnvironments, diagnoseStore } from '../../contract/diagnosis-routes.ts';
import { handle } from '../handler.ts';

export const daemonHandlers = [
  handle(getDaemon, ({ api, actor }) => api.daemon.status(actor)),
  handle(getUnattended, ({ api, actor }) => api.daemon.unattended(actor)),
  handle(listNeglected, ({ api, actor }) => api.daemon.neglected(actor)),
  handle(diagnoseEnvironments, ({ api, actor }) => api.diagnosis.ofEnvironments(actor)),
  handle(diagnoseStore, ({ api, actor }) => api.diagnosis.ofStore(actor)),
];
