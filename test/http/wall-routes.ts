import type { Operation, StoreOperation } from '../../src/core/access.ts';

/** What a request to a route says, beside who asks. */
interface Asked {
  readonly query?: string;
  readonly body?: object;
}

/**
 * What a route is about: an operation of the rules; `open` to who is not logged in; `own` for what is the user's
 * alone, or filtered by what they may see.
 */
export interface About extends Asked {
  readonly is: Operation | StoreOperation | 'open' | 'own';
  /** Where the environment is named, when not in the path. */
  readonly environmentIn?: 'body' | 'query';
  /** Where the capture is named, when not in the path. */
  readonly captureIn?: 'body';
}

const REQUEST = { name: 'made', envId: 0 };
const REPLAY = { capture: '0', environment: '0' };
const SCHEDULE = {
  name: 'made',
  environment: '0',
  cron: '0 2 * * *',
  timezone: 'UTC',
  duration: 60,
};

/** Every route: a new one is not tested, and fails the test, until it is here. */
export const ROUTES: Readonly<Record<string, About>> = {
  listCaptures: { is: 'capture.list', environmentIn: 'query' },
  createCapture: { is: 'capture.create', environmentIn: 'body', body: REQUEST },
  recordCapture: { is: 'capture.create', environmentIn: 'body', body: REQUEST },
  planCapture: { is: 'capture.create', environmentIn: 'body', body: REQUEST },
  getCapture: { is: 'capture.get' },
  editCapture: { is: 'capture.edit', body: { name: 'renamed' } },
  stopCapture: { is: 'capture.stop' },
  giveUpCapture: { is: 'capture.stop' },
  endCapture: { is: 'capture.stop' },
  deleteCapture: { is: 'capture.delete' },
  describeCapture: { is: 'capture.get' },
  watchCapture: { is: 'capture.get' },
  waitForCapture: { is: 'capture.get', query: 'until=over' },
  liveFactsOfCapture: { is: 'capture.get' },
  valueCountsOfCapture: { is: 'capture.get' },
  firstValuesOfCapture: { is: 'capture.get' },
  nameCaptures: { is: 'own', query: 'typed=x&limit=5' },
  deleteCapturesOfEnvironment: { is: 'environment.delete' },
  planPrune: { is: 'own', query: 'olderThan=86400' },
  pruneCaptures: { is: 'own', body: { captureIds: [], reason: 'old' } },
  listSchedules: { is: 'schedule.list', environmentIn: 'query' },
  createSchedule: { is: 'schedule.create', environmentIn: 'body', body: SCHEDULE },
  getSchedule: { is: 'schedule.get' },
  editSchedule: { is: 'schedule.edit', body: { name: 'renamed' } },
  pauseSchedule: { is: 'schedule.pause' },
  resumeSchedule: { is: 'schedule.resume' },
  deleteSchedule: { is: 'schedule.delete' },
  nextOfSchedule: { is: 'schedule.get', query: 'count=3' },
  metricsOfCapture: { is: 'capture.metrics' },
  metricReportOfCapture: { is: 'capture.metrics' },
  readWorkload: { is: 'capture.workload' },
  followWorkload: { is: 'capture.workload' },
  exportWorkload: { is: 'capture.export', query: 'format=ndjson' },
  archiveCapture: { is: 'capture.export' },
  checkExport: { is: 'capture.export' },
  importCapture: { is: 'capture.import', environmentIn: 'query' },
  listOrphans: { is: 'own' },
  removeOrphans: { is: 'own', body: { captureIds: [] } },
  listEnvironments: { is: 'own' },
  createEnvironment: { is: 'environment.create', body: { name: 'made' } },
  getEnvironment: { is: 'environment.get' },
  editEnvironment: { is: 'environment.edit', body: { region: 'eu-west-1' } },
  deleteEnvironment: { is: 'environment.delete' },
  checkEnvironmentDeletion: { is: 'environment.delete' },
  checkEnvironment: { is: 'environment.check' },
  listMembers: { is: 'member.list' },
  addMember: { is: 'member.add', body: { user: 'oscar' } },
  setMember: { is: 'member.set', body: { role: 'admin' } },
  removeMember: { is: 'member.remove' },
  listOpenWarmUps: { is: 'own' },
  listWarmUps: { is: 'environment.check' },
  getWarmUpStatus: { is: 'environment.check' },
  beginWarmUp: { is: 'environment.warm-up', body: { duration: 60 } },
  endWarmUps: { is: 'environment.warm-up' },
  login: { is: 'open', body: { name: 'nobody', password: 'no password' } },
  logout: { is: 'own' },
  whoAmI: { is: 'own' },
  listUsers: { is: 'user.list' },
  createUser: { is: 'user.create', body: { name: 'made', password: 'long enough' } },
  checkNewUser: { is: 'user.create' },
  deleteUser: { is: 'user.delete' },
  checkUserDeletion: { is: 'user.delete' },
  checkPasswordChange: { is: 'user.password' },
  checkCurrentPassword: { is: 'own', body: { current: 'no password' } },
  setPassword: { is: 'user.password', body: { password: 'long enough' } },
  listTokens: { is: 'token.list' },
  createToken: { is: 'token.create', body: { name: 'made' } },
  revokeToken: { is: 'token.revoke' },
  listAudit: { is: 'own' },
  listCalls: { is: 'own' },
  getDaemon: { is: 'own' },
  getUnattended: { is: 'own' },
  listNeglected: { is: 'own' },
  diagnoseEnvironments: { is: 'own' },
  diagnoseStore: { is: 'own' },
  getReport: { is: 'capture.report' },
  getReportRows: { is: 'capture.report', query: 'by=digest' },
  makeReports: { is: 'capture.report', body: {} },
  watchReport: { is: 'capture.report' },
  verifyCapture: { is: 'capture.verify' },
  planReplay: { is: 'capture.replay', captureIn: 'body', environmentIn: 'body', body: REPLAY },
  runReplay: { is: 'replay.run', captureIn: 'body', environmentIn: 'body', body: REPLAY },
  getReplay: { is: 'capture.report' },
  getOpenApi: { is: 'open' },
};
