import { AppError } from '../errors.ts';
import type { Source } from '../source.ts';
import { placeOf, type Environment, type ServerAddress } from './environment.ts';
import { parsePasswordReference } from './password-reference.ts';

/** What somebody says of an environment. */
export type Description = Omit<Environment, 'id' | 'createdAt'>;

/** Servers that the password behind a reference was described for. */
export interface ReferenceTable {
  /** Every place that a file, or a variable, was described for, and by which reference. */
  listOf(source: string): readonly { readonly reference: string; readonly place: string }[];
  /** Notes one more; nothing where it is noted already. */
  note(source: string, reference: string, place: string): void;
}

/**
 * A password that is on the server's machine goes only where it was first meant to go: who describes an
 * environment over the API knows where passwords lie, and could else have one sent to a server of their own. On
 * this machine it may be described for as many servers as one likes.
 * @throws AppError `invalid`; it does not say which servers those are.
 */
export function requireBound(table: ReferenceTable, server: ServerAddress): void {
  const { passwordFrom } = server;
  if (passwordFrom === null) return;
  const { source, reference: own } = keyOf(passwordFrom);
  // Groups of one option file are passwords of their own; as a `file:` it would give away all of them.
  const [scheme] = passwordFrom.split(':', 1);
  const uses = table
    .listOf(source)
    .filter(({ reference }) => reference === own || !reference.startsWith(`${scheme}:`));
  const place = placeKey(server);
  const isSame = uses.some((one) => one.reference === own && one.place === place);
  if (uses.length === 0 || isSame) return;
  throw new AppError('invalid', 'The server does not allow this password reference', {
    hint: 'It may be that of another server: over the API a password goes only to the server that it was first described for.',
  });
}

/** Notes where the password of a server may go. */
export function bind(table: ReferenceTable, server: ServerAddress | null): void {
  if (server === null || server.passwordFrom === null) return;
  const { source, reference } = keyOf(server.passwordFrom);
  table.note(source, reference, placeKey(server));
}

function placeKey(server: ServerAddress): string {
  return placeOf({ ...server, host: server.host.toLowerCase() });
}

/** The file or the variable, in whatever form it is read; and the reference in the one form that means it. */
function keyOf(reference: string): { source: string; reference: string } {
  const parsed = parsePasswordReference(reference);
  switch (parsed.from) {
    case 'env':
      return { source: reference, reference };
    case 'file':
      return { source: reference, reference };
    case 'cnf':
      return {
        source: `file:${parsed.path}`,
        reference: `cnf:${parsed.path}#${parsed.group}`,
      };
  }
}

/** Files of this machine that a server's description names, but for that of its password. */
export function filesOf({ sslCa, serverPublicKey, socket }: ServerAddress): string[] {
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

/** Servers for a program that allows nobody from elsewhere to name files of its machine, or variables. */
export function refusingConfined(source: Source): Source {
  const checked = (server: ServerAddress): ServerAddress => {
    const names = server.passwordFrom !== null || filesOf(server).length > 0;
    if (server.isConfined !== true || !names) return server;
    throw new AppError('invalid', 'This program reads no files that were named over the API');
  };
  return {
    returnsStatements: (settings) => source.returnsStatements(settings),
    open: async (server, ...others) => source.open(checked(server), ...others),
    inspect: async (server, ...others) => source.inspect(checked(server), ...others),
    forecast: async (server, ...others) => source.forecast(checked(server), ...others),
  };
}
