import { systemClock } from '../../src/core/clock.ts';
import { resultOf } from '../../src/core/progress.ts';
import {
  verifyWorkload,
  type Verification,
  type VerificationSubject,
} from '../../src/core/verification/verification-service.ts';
import { compareCounters } from '../../src/source/mysql/counters/comparison.ts';
import { folderReader } from '../../src/workload/stored-workloads.ts';

/** Verifies a workload as `captures verify` does. */
export function verify(subject: VerificationSubject): Promise<Verification> {
  return resultOf(verifyWorkload(folderReader, compareCounters, systemClock, subject));
}
