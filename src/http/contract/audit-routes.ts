import * as z from 'zod/mini';
import type {
  AuditAction,
  AuditDetails,
  AuditEntry,
  AuditSubject,
} from '../../core/audit/audit-trail.ts';
import { defineRoute } from './define-route.ts';
import { documented, instant, orNull, plain, wholeNumber, type Form } from './wire.ts';

const kinds = [
  'capture',
  'schedule',
  'environment',
  'user',
  'token',
] as const satisfies AuditSubject['kind'][];

const entryOnWire = documented(
  z.object({
    id: z.int(),
    at: instant,
    user: z.string(),
    action: plain<AuditAction>('What was done, such as `capture.stop`'),
    subject: z.object({ kind: z.enum(kinds), id: z.int(), name: z.string() }),
    envId: orNull(z.int()),
    details: plain<AuditDetails>('Facts of the change by name; never a secret'),
    reason: orNull(z.string()),
    from: z.object({
      user: z.string(),
      host: z.string(),
      pid: z.int(),
      address: orNull(z.string()),
    }),
    userId: orNull(z.int()),
  }),
  { id: 'AuditEntry' },
);

/** A change as the command line prints it. */
const entry: Form<AuditEntry> = z.codec(entryOnWire, z.custom<AuditEntry>(), {
  decode: ({ user: userName, userId, subject, envId, from, ...rest }) => ({
    ...rest,
    author: { userId, userName },
    origin: {
      userName: from.user,
      hostName: from.host,
      pid: from.pid,
      ...(from.address === null ? {} : { address: from.address }),
    },
    subject: { ...subject, environmentId: envId },
  }),
  encode: ({ id, at, author, origin, action, subject, details, reason }) => ({
    id,
    at,
    user: author.userName,
    action,
    subject: { kind: subject.kind, id: subject.id, name: subject.name },
    envId: subject.environmentId,
    details,
    reason,
    from: {
      user: origin.userName,
      host: origin.hostName,
      pid: origin.pid,
      address: origin.address ?? null,
    },
    userId: author.userId,
  }),
});

export const listAudit = defineRoute({
  id: 'listAudit',
  at: 'GET /api/audit',
  tag: 'Audit',
  summary: 'list who changed what',
  description:
    'Newest first: changes in environments that the user is a member of, and what they did outside any; to administrators of the store also other changes outside any. `capture` is also the id of one that was deleted.',
  query: z.object({
    env: z.exactOptional(z.string()),
    capture: z.exactOptional(z.string()),
    since: z.exactOptional(instant),
    limit: z.exactOptional(wholeNumber),
  }),
  answer: { is: 'rows', row: entry },
});
