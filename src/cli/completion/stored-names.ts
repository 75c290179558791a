import type { Actor } from '../../core/access.ts';
import type { Api } from '../../core/api.ts';
import type { CaptureStatus } from '../../core/captures/capture.ts';
import type { Question } from './question.ts';
import { fullName } from '../render/full-name.ts';
import type { Context } from '../runtime/context.ts';

/** A word that may stand where the cursor is. */
export interface Candidate {
  readonly value: string;
  /** What zsh and fish show beside it. */
  readonly description: string;
}

/** More would fill the screen. */
const MOST = 100;
/** Captures that `stop` can stop. */
const STOPPABLE: readonly CaptureStatus[] = ['STARTED', 'STARTING', 'RUNNING'];
/** Captures that `replay` can send. */
const ENDED: readonly CaptureStatus[] = ['DONE', 'FAILED'];

interface Asked {
  readonly api: Api;
  readonly actor: Actor;
  readonly question: Question;
}

type Names = (asked: Asked) => Promise<Candidate[]>;

/** By the placeholder of the argument or option. */
const NAMES: Readonly<Record<string, Names>> = {
  environment: environmentNames,
  capture: captureNames,
  captures: captureNames,
  a: captureNames,
  b: captureNames,
  schedule: scheduleNames,
  user: userNames,
  token: tokenNames,
};

/** Whether names by this placeholder come from the store. */
export function areStored(placeholder: string): boolean {
  return Object.hasOwn(NAMES, placeholder);
}

/**
 * The names in the store that the logged-in user may see. Only reads.
 */
export async function storedNames(
  context: Context,
  placeholder: string,
  question: Question,
): Promise<Candidate[]> {
  const names = NAMES[placeholder];
  if (names === undefined) return [];
  if (context.server === null) context.wiring.openToRead();
  return names({ api: context.api, actor: await context.actor(), question });
}

async function environmentNames({ api, actor }: Asked): Promise<Candidate[]> {
  const environments = await api.environments.list(actor);
  return environments.map(({ name, server, instance, region }) => ({
    value: name,
    description:
      server === null
        ? `metrics only${instance === null ? '' : `: ${instance}`}`
        : (instance ?? server.socket ?? `${server.host}:${server.port}`) +
          (instance === null || region === null ? '' : ` in ${region}`),
  }));
}

async function captureNames({ api, actor, question }: Asked): Promise<Candidate[]> {
  const { typed, path } = question;
  const isReplay = path[0] === 'replay';
  const statuses = path[0] === 'stop' ? STOPPABLE : isReplay ? ENDED : null;
  // A replay has no record of its own, nor has a capture of metrics alone.
  const type = isReplay ? 'CAPTURE' : null;
  const all = await api.captures.named(actor, typed, statuses, MOST, type);
  const found = isReplay ? all.filter(({ capture }) => capture.recordsStatements) : all;
  const named = found.map(({ capture, isUnique }) => ({
    value:
      isUnique && !typed.includes('/') && !capture.name.startsWith('-')
        ? capture.name
        : fullName(capture),
    description: `${capture.status}, ${capture.environmentName}`,
  }));
  if (!/^\d+$/.test(typed)) return named;
  const ids = found.map(({ capture }) => ({
    value: String(capture.id),
    description: `${capture.name}: ${capture.status}, ${capture.environmentName}`,
  }));
  return [...ids, ...named];
}

async function scheduleNames({ api, actor, question }: Asked): Promise<Candidate[]> {
  const schedules = await api.schedules.list(actor, null);
  const isTwice = (name: string): boolean =>
    schedules.filter((schedule) => schedule.name === name).length > 1;
  return schedules.map((schedule) => ({
    value:
      question.typed.includes('/') || isTwice(schedule.name) ? fullName(schedule) : schedule.name,
    description: `${schedule.cron}, ${schedule.environmentName}`,
  }));
}

/** For member commands the members; else every user, if an administrator asks, or fellow members. */
async function userNames({ api, actor, question }: Asked): Promise<Candidate[]> {
  const [noun, verb] = question.path;
  if (noun === 'member' && verb !== 'add') {
    const [environment] = question.operands;
    const members = environment === undefined ? [] : await api.members.list(actor, environment);
    return members.map(({ userName, role }) => ({ value: userName, description: role }));
  }
  const known = actor.isStoreAdmin
    ? (await api.users.listUsers(actor)).map(({ name }) => name)
    : await fellowMembers(api, actor);
  const users = [...new Set(known)].sort().map((value) => ({ value, description: '' }));
  return noun === 'list' ? [{ value: 'me', description: 'yourself' }, ...users] : users;
}

async function fellowMembers(api: Api, actor: Actor): Promise<string[]> {
  const environments = await api.environments.list(actor);
  const members = environments.map(({ id }) => api.members.list(actor, String(id)));
  return (await Promise.all(members)).flat().map(({ userName }) => userName);
}

async function tokenNames({ api, actor }: Asked): Promise<Candidate[]> {
  const tokens = await api.users.listTokens(actor);
  return tokens.map(({ id, name }) => ({
    value: name ?? String(id),
    description: `token ${id}`,
  }));
}
