import * as z from 'zod/mini';
import type { ImportedCapture, ImportEvent } from '../../core/workloads/workload-import.ts';
import { importOrigin } from './capture-details-form.ts';
import { capture } from './capture-form.ts';
import { defineRoute } from './define-route.ts';
import { verification, verificationProgress } from './verification-routes.ts';
import { documented, formOf } from './wire.ts';

export const importCapture = defineRoute({
  id: 'importCapture',
  at: 'POST /api/imports',
  tag: 'Workloads',
  summary: 'make a capture of an exported file',
  description:
    'The body is what `GET /api/captures/{capture}/archive` answered. Everything in it is verified before anything is visible. `env` and `name` are those in the file where they are left out.',
  isHeavy: true,
  query: z.object({
    env: z.optional(
      documented(z.string(), {
        description: 'Into this environment; left out: the one of the same name',
      }),
    ),
    name: z.optional(
      documented(z.string(), { description: 'The new name; left out: the one it had' }),
    ),
  }),
  body: 'bytes',
  answer: {
    is: 'progress',
    event: formOf<ImportEvent>()(
      z.union([z.object({ type: z.literal('unpacked'), bytes: z.number() }), verificationProgress]),
    ),
    result: formOf<ImportedCapture>()(z.object({ capture, origin: importOrigin, verification })),
    isSilent: false,
  },
});
