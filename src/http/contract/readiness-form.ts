import * as z from 'zod/mini';
import type { CheckedServer } from '../../core/environments/environment-service.ts';
import type { Readiness } from '../../core/environments/readiness.ts';
import type { ServerInspection } from '../../core/environments/server-inspection.ts';
import type { Coverage } from '../../core/warm-ups/value-coverage.ts';
import { serverEnvironment } from './environment-form.ts';
import { failure } from './failure-form.ts';
import { formOf, orNull, plain } from './wire.ts';

const fields = {
  environment: serverEnvironment,
  inspection: plain<ServerInspection>('What was seen on the server'),
  coverage: plain<Coverage>('For which of the sessions there values are recorded'),
  isHeldByUs: z.boolean(),
  refusal: orNull(failure),
};

/** What a look at an environment's server says of recording there. */
export const readiness = formOf<Readiness>()(z.object(fields));

/** The same, and that its log is off where only its owner can switch it on. */
export const checkedServer = formOf<CheckedServer>()(
  z.object({ ...fields, logOff: orNull(failure) }),
);
