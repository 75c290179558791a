import * as z from 'zod/mini';
import type {
  Verification,
  VerificationProgress,
} from '../../core/verification/verification-service.ts';
import { capture } from './capture-form.ts';
import { ofCapture } from './capture-lookup-routes.ts';
import { defineRoute } from './define-route.ts';
import { documented, formOf, milliseconds, orNull, plain } from './wire.ts';

function isShare(text: string): boolean {
  const value = Number(text);
  return text.trim() !== '' && value >= 0 && value <= 1;
}

const share = z.codec(
  documented(z.string().check(z.refine(isShare, 'must be a number from 0 to 1')), {
    description: 'From 0 to 1',
  }),
  z.number(),
  { decode: Number, encode: (value) => String(value) },
);

/** What was found of a record. */
export const verification = formOf<Verification>()(
  z.object({
    capture: orNull(capture),
    folder: documented(z.string(), { description: "On the server's machine" }),
    manifest: orNull(plain<NonNullable<Verification['manifest']>>('What lies beside its files')),
    files: plain<Verification['files']>('What its files hold'),
    result: plain<Verification['result']>('What it comes to, and why'),
    leftOut: plain<Verification['leftOut']>('Rows left out as requested, by reason'),
    facts: plain<Verification['facts']>('Gaps, warnings and the edges of its window'),
    transactionsAtStart: z.int(),
    transactionsAtEnd: orNull(z.int()),
    took: milliseconds,
  }),
);

export const verificationProgress = formOf<VerificationProgress>()(
  z.object({ type: z.literal('verified'), records: z.int(), of: orNull(z.int()) }),
);

export const verifyCapture = defineRoute({
  id: 'verifyCapture',
  at: 'GET /api/captures/{capture}/verification',
  tag: 'Records',
  summary: 'check that a record is complete',
  description:
    'Reads everything that was recorded. `result.verdict` says how true it is, `result.line` in one sentence. `minValues` is the least share of executes with values that is asked for.',
  isHeavy: true,
  params: ofCapture,
  query: z.object({ minValues: z.exactOptional(share) }),
  answer: {
    is: 'progress',
    event: verificationProgress,
    result: verification,
    isSilent: false,
  },
});
