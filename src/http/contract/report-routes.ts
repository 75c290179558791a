import * as z from 'zod/mini';
import {
  DIMENSIONS,
  SORT_KEYS,
  type LiveReport,
  type Report,
  type ReportInRows,
} from '../../core/reports/report.ts';
import type { TallyProgress } from '../../core/reports/tally.ts';
import { ofCapture } from './capture-lookup-routes.ts';
import { defineRoute } from './define-route.ts';
import { formOf, instant, orNull, plain, secondsInQuery, wholeNumber } from './wire.ts';

const tag = 'Reports';

const report = plain<Report>('What the statements were: the same as a file of a report has', [
  'capture',
  'window',
  'verdict',
  'rows',
]);

const counted = z.object({ type: z.literal('counted'), bytes: z.number(), of: z.number() });
const progress = formOf<TallyProgress>()(counted);

/** What is asked for; what is absent: by digest, in the usual order, all of them. */
const asked = {
  by: z.exactOptional(z.enum(DIMENSIONS)),
  sort: z.exactOptional(z.enum(SORT_KEYS)),
  limit: z.exactOptional(wholeNumber),
  since: z.exactOptional(instant),
  until: z.exactOptional(instant),
  digest: z.exactOptional(z.string()),
};

export const getReport = defineRoute({
  id: 'getReport',
  at: 'GET /api/captures/{capture}/report',
  tag,
  summary: 'show what a capture recorded',
  description:
    'Of a capture that goes on, what is committed by now. `since` and `until` are by the clock of the server that was recorded.',
  isHeavy: true,
  params: ofCapture,
  query: z.object(asked),
  answer: { is: 'progress', event: progress, result: report, isSilent: false },
});

/** Rows as JSON, so that a client can keep them as that and read them when they are gone through. */
const someRows = z.object({ type: z.literal('rows'), json: z.string() });

export type ReportHead = Omit<ReportInRows, 'rows'>;

export const getReportRows = defineRoute({
  id: 'getReportRows',
  at: 'GET /api/captures/{capture}/report/rows',
  tag,
  summary: 'show what a capture recorded, its rows some at a time',
  description:
    'For reports of many rows: with `Accept: text/event-stream` each `rows` event has some of them, and the result is the report without them.',
  isHeavy: true,
  params: ofCapture,
  query: z.object(asked),
  answer: {
    is: 'progress',
    event: z.discriminatedUnion('type', [counted, someRows]),
    result: plain<ReportHead>('The report, without its rows', ['capture', 'window', 'verdict']),
    isSilent: false,
  },
});

interface Reports {
  readonly report: Report;
  readonly others: readonly Report[];
}

/** Each is made in the memory of one process. */
const MOST_OTHERS = 16;

export const makeReports = defineRoute({
  id: 'makeReports',
  at: 'POST /api/captures/{capture}/reports',
  tag,
  summary: 'show what a capture recorded in several ways, counted once',
  description: 'Each of `others` is the same report by something else, in its usual order.',
  isRead: true,
  isHeavy: true,
  params: ofCapture,
  body: z.object({
    ...asked,
    limit: z.exactOptional(orNull(z.int())),
    others: z.exactOptional(
      z
        .array(z.object({ by: z.enum(DIMENSIONS), limit: z.exactOptional(orNull(z.int())) }))
        .check(z.maxLength(MOST_OTHERS)),
    ),
  }),
  answer: {
    is: 'progress',
    event: progress,
    result: formOf<Reports>()(z.object({ report, others: z.array(report) })),
    isSilent: false,
  },
});

export const watchReport = defineRoute({
  id: 'watchReport',
  at: 'GET /api/captures/{capture}/report/live',
  tag,
  summary: 'watch what a capture records',
  description:
    'A report every `interval` seconds (at least 1, by default 2); the last is that of the capture when it is over. `interval` of an event: what came in the last few seconds.',
  isHeavy: true,
  params: ofCapture,
  query: z.object({ ...asked, interval: z.exactOptional(secondsInQuery) }),
  answer: {
    is: 'live',
    event: plain<TallyProgress | LiveReport>('How far counting has come, or the report as of now', [
      'type',
    ]),
  },
});
