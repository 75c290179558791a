import { runProcess } from '../../src/cli/runtime/process.ts';

/** The program as it is written, in a process of its own, to be killed. */
await runProcess();
