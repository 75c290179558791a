import { inject } from 'vitest';
import { RUN_VARIABLE } from './processes.ts';

// Inherited by everything that the tests of this worker start, so that what is left can be found.
process.env[RUN_VARIABLE] = inject('testRun');
