import type { Actor } from '../../core/access.ts';
import type { CaptureStatus } from '../../core/captures/capture.ts';
import type { ListedCapture, Store } from '../../core/store.ts';
import type { Question } from './question.ts';
import { fullName } from '../render/names.ts';
import type { Context } from '../runtime/context.ts';

/** A word that may stand where the cursor is. */
export interface Candidate {
  readonly value: string;
  /** What zsh and fish show beside it. */
  readonly description: string;
}

/** More would only fill the screen. */
const MOST = 100;
/** `stop` is for these; what is over or has not begun cannot be stopped. */
const STOPPABLE: readonly CaptureStatus[] = ['STARTED', 'STARTING', 'RUNNING'];

interface Asked {
  readonly store: Store;
  readonly actor: Actor;
  readonly question: Question;
}

type Names = (asked: Asked) => Candidate[];

/** By the placeholder of the argument or option. */
const NAMES: Readonly<Record<string, Names>> = {
  environment: environmentNames,
  capture: captureNames,
  captures: captureNames,
  schedule: scheduleNames,
  user: userNames,
  token: tokenNames,
};

/** Whether names by this placeholder come from the store. */
export function areStored(placeholder: string): boolean {
  return Object.hasOwn(NAMES, placeholder);
}

/**
 * The names in the store that the user who is logged in may see. Only reads; throws whatever keeps it
 * from reading.
 */
export async function storedNames(
  context: Context,
  placeholder: string,
  question: Question,
): Promise<Candidate[]> {
  const names = NAMES[placeholder];
  if (names === undefined) return [];
  context.wiring.openToRead();
  return names({ store: context.store, actor: await context.actor(), question });
}

function environmentNames({ store, actor }: Asked): Candidate[] {
  return store.environments.listFor(actor.userId).map(({ name, server, instance, region }) => ({
    value: name,
    description:
      server === null
        ? `metrics only${instance === null ? '' : `: ${instance}`}`
        : (instance ?? server.socket ?? `${server.host}:${server.port}`) +
          (instance === null || region === null ? '' : ` in ${region}`),
  }));
}

function captureNames({ store, actor, question }: Asked): Candidate[] {
  const roles = store.members.listFor(actor.userId);
  const { typed, path } = question;
  const slash = typed.indexOf('/');
  const environment = slash === -1 ? null : store.environments.findByName(typed.slice(0, slash));
  if (slash !== -1 && environment === null) return [];
  const environmentIds = roles
    .map(({ environmentId }) => environmentId)
    .filter((id) => environment === null || id === environment.id);
  const name = typed.slice(slash + 1);
  const isId = /^\d+$/.test(name);
  const captures = store.captures.list({
    environmentIds,
    statuses: path[0] === 'stop' ? STOPPABLE : null,
    ownerId: null,
    // In the order of the index on names, so that a name is found among a million.
    name: name === '' || isId ? null : `${name}*`,
    since: null,
    until: null,
    order: name === '' || isId ? 'created' : 'name',
    descending: name === '' || isId,
    limit: MOST,
  });
  const described = (capture: ListedCapture): string =>
    `${capture.status}, ${capture.environmentName}`;
  const named = captures.map((capture) => ({
    value: slash === -1 ? clearName(store, actor, capture) : fullName(capture),
    description: described(capture),
  }));
  if (!isId || slash !== -1) return named;
  return [
    ...captures.map((capture) => ({
      value: String(capture.id),
      description: `${capture.name}: ${described(capture)}`,
    })),
    ...named,
  ];
}

/** The name where it says which capture is meant, else with its environment. */
function clearName(store: Store, actor: Actor, capture: ListedCapture): string {
  const isClear =
    !capture.name.startsWith('-') &&
    store.captures.findByName(capture.name, actor.userId).length === 1;
  return isClear ? capture.name : fullName(capture);
}

function scheduleNames({ store, actor, question }: Asked): Candidate[] {
  const ids = store.members.listFor(actor.userId).map(({ environmentId }) => environmentId);
  const schedules = store.schedules.list(ids);
  const isTwice = (name: string): boolean =>
    schedules.filter((schedule) => schedule.name === name).length > 1;
  return schedules.map((schedule) => ({
    value:
      question.typed.includes('/') || isTwice(schedule.name) ? fullName(schedule) : schedule.name,
    description: `${schedule.cron}, ${schedule.environmentName}`,
  }));
}

/** Members where it is about members; else everybody for an administrator, who may list them. */
function userNames({ store, actor, question }: Asked): Candidate[] {
  const [noun, verb] = question.path;
  const mine = store.environments.listFor(actor.userId);
  if (noun === 'member' && verb !== 'add') {
    const [asked] = question.operands;
    const environment = mine.find(({ id, name }) => name === asked || String(id) === asked);
    if (environment === undefined) return [];
    return store.members
      .listOf(environment.id)
      .map(({ userName, role }) => ({ value: userName, description: role }));
  }
  const known = actor.isStoreAdmin
    ? store.users.list().map(({ name }) => name)
    : mine.flatMap(({ id }) => store.members.listOf(id).map(({ userName }) => userName));
  const users = [...new Set(known)].sort().map((value) => ({ value, description: '' }));
  return noun === 'list' ? [{ value: 'me', description: 'yourself' }, ...users] : users;
}

function tokenNames({ store, actor }: Asked): Candidate[] {
  return store.credentials.listOf(actor.userId, 'token').map(({ id, name }) => ({
    value: name ?? String(id),
    description: `token ${id}`,
  }));
}
