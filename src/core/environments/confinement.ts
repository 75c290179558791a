import type { Actor } from '../access.ts';
import { AppError } from '../errors.ts';
import type { Source } from '../source.ts';
import type { Store } from '../store.ts';
import {
  formatServerUrl,
  placeOf,
  SSL_MODES,
  type Environment,
  type ServerAddress,
} from './environment.ts';
import { parsePasswordReference } from './password-reference.ts';

/** What somebody says of an environment. */
export type Description = Omit<Environment, 'id' | 'createdAt'>;

/** Servers that the password behind a reference was described for. */
export interface ReferenceTable {
  /** Every reference that was ever described, with the places that it was described for. */
  list(): readonly BoundReference[];
  /** Notes one more; nothing where it is noted already. */
  note(source: string, reference: string, place: string): void;
}

interface BoundReference {
  readonly reference: string;
  readonly place: string;
}

/** What the user of a process lets those describe who are not on its machine. */
export interface Confinement {
  /**
   * Checks all but the reference to a password.
   * @throws AppError `invalid` for a file, profile or address that is not allowed.
   */
  readonly check: (described: Partial<Description>) => void;
  /** Whether the reference to a password may be named at all; it does not tell whether the file is there. */
  readonly allowsPassword: (server: ServerAddress) => boolean;
  readonly namesOf: NamesOfFile;
}

/** What a file is known by now, links followed: two paths of one file have a name in common. */
export type NamesOfFile = (path: string) => readonly string[];

/**
 * Who describes an environment over the API knows where passwords lie, and could else use the account of another
 * environment, or have its password sent to a server of their own. A reference is therefore named by administrators
 * of the store: anybody else could name it before they do, even before the file is there, or keep it for themselves
 * when they are no longer admins of the environment that has it. Who edits an environment may leave it there. One that
 * was described before is also named only by an admin of an environment that has it, for the same server and account,
 * with TLS that is no weaker.
 * @param edited the environment before its edit; null for a new one.
 * @throws AppError `invalid`, the same with the same work behind it for one that is not allowed at all.
 */
export function requireOwnReference(
  { references, environments }: Pick<Store, 'references' | 'environments'>,
  actor: Actor,
  server: ServerAddress,
  edited: Pick<Environment, 'name' | 'server'> | null,
  { allowsPassword, namesOf }: Confinement,
): void {
  const { passwordFrom } = server;
  if (passwordFrom === null) return;
  const isAllowed = allowsPassword(server);
  const { path: ownPath } = keyOf(passwordFrom);
  // Nobody from elsewhere has this process look for a file that they may not name.
  const lookup: NamesOfFile = (path) => (isAllowed || path !== ownPath ? namesOf(path) : [path]);
  const described = describedAlike(references.list(), passwordFrom, lookup);
  const own = environments
    .listFor(actor)
    .filter(({ role }) => role === 'admin')
    .flatMap(({ server: theirs }) => (theirs?.passwordFrom == null ? [] : [theirs]))
    .filter((theirs) => isNoWeaker(server, theirs))
    .map((theirs) => keyOf(theirs.passwordFrom ?? '').reference);
  const { reference } = keyOf(passwordFrom);
  const before = edited?.server ?? null;
  const isKept = before?.passwordFrom != null && keyOf(before.passwordFrom).reference === reference;
  const isFirst = described.size === 0;
  const isOwn = described.has(reference) && [...described.keys()].every((one) => own.includes(one));
  if (isAllowed && (actor.isStoreAdmin || isKept) && (isFirst || isOwn)) return;
  if (edited !== null && before !== null && isKept) {
    throw new AppError(
      'invalid',
      `The password of ${edited.name} is only for ${formatServerUrl(before)} (${before.sslMode}), as it was described`,
      { hint: { code: 'edit_at_store', environment: edited.name } },
    );
  }
  throw referenceRefused();
}

/**
 * The same of the account of a replay's user, who is in no environment: named by administrators of the store, and only
 * where its password goes to no other server than that of everybody who ever named it.
 * @throws AppError `invalid`, the same with the same work behind it for one that is not allowed at all.
 */
export function requireAccountReference(
  { references }: Pick<Store, 'references'>,
  actor: Actor,
  account: ServerAddress,
  { allowsPassword, namesOf }: Confinement,
): void {
  const isAllowed = allowsPassword(account);
  const { path: ownPath } = keyOf(account.passwordFrom ?? '');
  const lookup: NamesOfFile = (path) => (isAllowed || path !== ownPath ? namesOf(path) : [path]);
  const isOthers = isAnothersPassword(references.list(), account, lookup);
  if (isAllowed && actor.isStoreAdmin && !isOthers) return;
  throw referenceRefused();
}

function referenceRefused(): AppError {
  return new AppError('invalid', 'The server does not allow this password reference', {
    hint: 'Passwords are named by administrators of the store, where the server allows their file or variable, and only for the server that they were described for: see docs/permissions.md.',
  });
}

/**
 * Whether the file of a server's password is also known by a name that was never described for that server: a link
 * that was made, or the file behind one, after both were described.
 */
export function isAnothersPassword(
  bound: readonly BoundReference[],
  server: ServerAddress,
  namesOf: NamesOfFile,
): boolean {
  if (server.passwordFrom === null) return false;
  const described = describedAlike(bound, server.passwordFrom, namesOf);
  const place = placeKey(server);
  return [...described.values()].some((places) => !places.has(place));
}

/** Notes where the password of a server may go. */
export function bind(table: ReferenceTable, server: ServerAddress | null): void {
  if (server === null || server.passwordFrom === null) return;
  const { source, reference } = keyOf(server.passwordFrom);
  table.note(source, reference, placeKey(server));
}

/** References that were described and give away the same password, each with its places. */
function describedAlike(
  bound: readonly BoundReference[],
  passwordFrom: string,
  namesOf: NamesOfFile,
): Map<string, Set<string>> {
  const own = keyOf(passwordFrom);
  const ownNames = new Set(own.path === null ? [own.source] : namesOf(own.path));
  const found = new Map<string, Set<string>>();
  const known = new Map<string, boolean>();
  for (const { reference: text, place } of bound) {
    const { source, path, reference, group } = keyOf(text);
    let isSameSource = known.get(source);
    if (isSameSource === undefined) {
      const names = path === null ? [source] : namesOf(path);
      isSameSource = names.some((name) => ownNames.has(name));
      known.set(source, isSameSource);
    }
    // Groups of one option file are passwords of their own; as a `file:` it would give away all of them.
    const areGroups = group !== null && own.group !== null && group !== own.group;
    if (!isSameSource || areGroups) continue;
    const places = found.get(reference) ?? new Set();
    found.set(reference, places.add(place));
  }
  return found;
}

/** Whether what is described is the server and account of another description, at least as well protected. */
function isNoWeaker(described: ServerAddress, than: ServerAddress): boolean {
  const rank = ({ sslMode }: ServerAddress): number => SSL_MODES.indexOf(sslMode);
  return (
    placeKey(described) === placeKey(than) &&
    described.engine === than.engine &&
    described.user === than.user &&
    rank(described) >= rank(than) &&
    (than.sslCa === null || described.sslCa === than.sslCa) &&
    (than.serverPublicKey === null || described.serverPublicKey === than.serverPublicKey)
  );
}

function placeKey(server: ServerAddress): string {
  return placeOf({ ...server, host: server.host.toLowerCase() });
}

interface ReferenceKey {
  /** The file or the variable, in whatever form it is read. */
  readonly source: string;
  /** null for a variable. */
  readonly path: string | null;
  /** The reference in the one form that means it. */
  readonly reference: string;
  /** The group of an option file; these have no case. */
  readonly group: string | null;
}

function keyOf(reference: string): ReferenceKey {
  const parsed = parsePasswordReference(reference);
  switch (parsed.from) {
    case 'env':
      return { source: reference, path: null, reference, group: null };
    case 'file':
      return { source: reference, path: parsed.path, reference, group: null };
    case 'cnf': {
      const { path } = parsed;
      const group = parsed.group.toLowerCase();
      return { source: `file:${path}`, path, reference: `cnf:${path}#${group}`, group };
    }
  }
}

/**
 * What a description changes of another.
 * @returns only the fields that are different; of a server described alike, nothing.
 */
export function changedFields(
  before: Description,
  after: Description,
): Partial<Omit<Description, 'name'>> {
  const { server, region, instance, profile, endpointUrl } = after;
  return {
    ...(isSameServer(before.server, server) ? {} : { server }),
    ...(before.region === region ? {} : { region }),
    ...(before.instance === instance ? {} : { instance }),
    ...(before.profile === profile ? {} : { profile }),
    ...(before.endpointUrl === endpointUrl ? {} : { endpointUrl }),
  };
}

/** Whether they are described alike, wherever that was. */
export function isSameServer(one: ServerAddress | null, other: ServerAddress | null): boolean {
  if (one === null || other === null) return one === other;
  const fields = Object.keys({ ...one, ...other }) as (keyof ServerAddress)[];
  return fields.every((field) => field === 'isConfined' || one[field] === other[field]);
}

/** Files of this machine that a server's description names, but for that of its password. */
function filesOf({ sslCa, serverPublicKey, socket }: ServerAddress): string[] {
  return [sslCa, serverPublicKey, socket].filter((path) => path !== null);
}

/**
 * Whether what an edit leaves of a server's description is still from elsewhere. Who gives all of it on this machine
 * takes responsibility for it.
 * @param isFromElsewhere whether the edit is.
 */
export function isStillConfined(
  before: ServerAddress | null,
  changes: Readonly<Partial<Record<'url' | 'passwordFrom' | 'sslCa' | 'serverPublicKey', unknown>>>,
  isFromElsewhere: boolean,
): boolean {
  if (isFromElsewhere) return true;
  if (before?.isConfined !== true) return false;
  const kept = (['passwordFrom', 'sslCa', 'serverPublicKey'] as const).some(
    (field) => changes[field] === undefined && before[field] !== null,
  );
  return kept || changes.url === undefined;
}

/** Restricts a process to servers that it may use: as whom, and with which password. @throws AppError `invalid`. */
export type AllowServer = (server: ServerAddress) => Promise<ServerAddress>;

/** The same source, which reaches only the servers that are allowed. */
export function restricting(source: Source, allow: AllowServer): Source {
  return {
    returnsStatements: (settings) => source.returnsStatements(settings),
    open: async (server, ...others) => source.open(await allow(server), ...others),
    inspect: async (server, ...others) => source.inspect(await allow(server), ...others),
    forecast: async (server, ...others) => source.forecast(await allow(server), ...others),
  };
}

/** For a program that allows nobody from elsewhere to name files of its machine, or variables. */
export const refuseConfined: AllowServer = (server) => {
  const names = server.passwordFrom !== null || filesOf(server).length > 0;
  if (server.isConfined !== true || !names) return Promise.resolve(server);
  const why = 'This program reads no files that were named over the API';
  return Promise.reject(new AppError('invalid', why));
};
