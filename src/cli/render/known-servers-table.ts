import { column, jsonFields, yesOrNo, type Noun } from './column.ts';
import { isoTime, localTime } from './moments.ts';

/** A server of captures, or the store of this machine. */
export interface ShownServer {
  readonly name: string;
  /** null for the store of this machine. */
  readonly url: string | null;
  /** Who is logged in there; null for nobody. */
  readonly user: string | null;
  /** When the session ends; null where there is none. */
  readonly expiresAt: number | null;
  /** Whether commands use it. */
  readonly isCurrent: boolean;
}

export const serverNoun: Noun<ShownServer> = {
  ...jsonFields<ShownServer>({
    name: ({ name }) => name,
    url: ({ url }) => url,
    user: ({ user }) => user,
    expiresAt: ({ expiresAt }) => isoTime(expiresAt),
    current: ({ isCurrent }) => isCurrent,
  }),
  columns: [
    column('current', 'IN USE', ({ isCurrent }) => (isCurrent ? yesOrNo(true) : '')),
    column('name', 'NAME', ({ name }) => name, { isKept: true }),
    column('url', 'URL', ({ url }) => url ?? 'the store of this machine', { isKept: true }),
    column('user', 'USER', ({ user }) => user ?? '', { shrinks: true }),
    column('expiresAt', 'UNTIL', ({ expiresAt }, { zone }) =>
      expiresAt === null ? '' : localTime(expiresAt, zone),
    ),
  ],
  reference: ({ name }) => name,
  none: 'No servers.',
};
