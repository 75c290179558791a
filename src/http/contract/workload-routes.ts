import * as z from 'zod/mini';
import type { FollowEvent } from '../../core/workloads/committed-spans.ts';
import { STATEMENT_FORMATS } from '../../core/workloads/transfer.ts';
import type { OrphanedWorkload, StatementsNotRun } from '../../core/workloads/workload-files.ts';
import { capture } from './capture-form.ts';
import { ofCapture } from './capture-lookup-routes.ts';
import { defineRoute, NO_RESULT } from './define-route.ts';
import { chosenStatements, readStatements } from './statement-query.ts';
import { documented, flag, formOf, type Form } from './wire.ts';

const tag = 'Workloads';

const notRun = formOf<readonly StatementsNotRun[]>()(
  z.array(z.object({ reason: z.string(), count: z.int() })),
);

/** In which `read` and `readSql` give statements. */
const READ_FORMATS = ['ndjson', 'sql'] as const;

export const readWorkload = defineRoute({
  id: 'readWorkload',
  at: 'GET /api/captures/{capture}/workload',
  tag,
  summary: 'read the statements of a capture',
  description:
    'In the order the server received them, an object a line; of a running capture, those committed so far. With `follow` it goes on until the capture is over. Fields that choose statements may be there several times: one of each is enough.',
  isHeavy: true,
  goesOn: { with: 'follow' },
  params: ofCapture,
  query: z.object({
    format: z.optional(z.enum(READ_FORMATS)),
    follow: z.optional(flag),
    ...readStatements,
  }),
  answer: { is: 'bytes', type: 'application/x-ndjson', result: notRun },
});

/** Statements as they are recorded, in pieces of any size; and what happens meanwhile. */
export type FollowedPiece =
  { readonly type: 'statements'; readonly bytes: Uint8Array } | FollowEvent;

const bytes: Form<Uint8Array> = z.codec(
  documented(z.string(), { description: 'base64' }),
  z.custom<Uint8Array>(),
  {
    decode: (text) => Buffer.from(text, 'base64'),
    encode: (chunk) => Buffer.from(chunk).toString('base64'),
  },
);

export const followWorkload = defineRoute({
  id: 'followWorkload',
  at: 'GET /api/captures/{capture}/workload/events',
  tag,
  summary: 'follow the statements of a capture until it is over',
  description:
    'Pieces of what `GET /api/captures/{capture}/workload` answers, in base64, and what happens to the capture between them.',
  isHeavy: true,
  goesOn: true,
  params: ofCapture,
  query: z.object({ format: z.optional(z.enum(READ_FORMATS)), ...readStatements }),
  answer: {
    is: 'progress',
    event: z.discriminatedUnion('type', [
      z.object({ type: z.literal('statements'), bytes }),
      z.object({
        type: z.enum(['waits_for_start', 'daemon_left', 'daemon_returned', 'over']),
        capture,
      }),
    ]),
    result: notRun,
    isSilent: false,
  },
});

export const exportWorkload = defineRoute({
  id: 'exportWorkload',
  at: 'GET /api/captures/{capture}/export',
  tag,
  summary: 'export the statements of a capture for another program',
  isHeavy: true,
  params: ofCapture,
  query: z.object({ format: z.enum(STATEMENT_FORMATS), ...chosenStatements }),
  answer: { is: 'bytes', type: 'application/octet-stream', result: notRun },
});

export const archiveCapture = defineRoute({
  id: 'archiveCapture',
  at: 'GET /api/captures/{capture}/archive',
  tag,
  summary: 'export a whole capture as one file that can be imported',
  isHeavy: true,
  params: ofCapture,
  answer: { is: 'bytes', type: 'application/x-tar', result: NO_RESULT },
});

export const checkExport = defineRoute({
  id: 'checkExport',
  at: 'GET /api/captures/{capture}/exportable',
  tag,
  summary: 'show a capture if it can be exported',
  description: 'In a `format`, or as a whole where that is left out.',
  params: ofCapture,
  query: z.object({ format: z.optional(z.enum(STATEMENT_FORMATS)) }),
  answer: { is: 'json', form: capture },
});

export const listOrphans = defineRoute({
  id: 'listOrphans',
  at: 'GET /api/orphans',
  tag,
  summary: 'list workloads without a capture',
  description: 'For administrators of the store.',
  answer: {
    is: 'rows',
    row: formOf<OrphanedWorkload>()(
      z.object({ captureId: z.int(), folder: z.string(), bytes: z.number() }),
    ),
  },
});

export const removeOrphans = defineRoute({
  id: 'removeOrphans',
  at: 'POST /api/orphan-removals',
  tag,
  summary: 'remove workloads without a capture',
  description: 'For administrators of the store.',
  body: z.object({ captureIds: z.array(z.int()) }),
  answer: { is: 'nothing' },
});
