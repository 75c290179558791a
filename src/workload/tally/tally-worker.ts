/** The thread that counts units: `CountingLanes` starts it, and tells it what to count. */
import { parentPort } from 'node:worker_threads';
import { UnitCounter, type UnitTask } from './unit-counting.ts';

const port = parentPort;
const counter = new UnitCounter();

/** Nothing else is waiting in this thread. */
const goOn = (): Promise<void> => Promise.resolve();

port?.on('message', (task: UnitTask) => {
  counter.count(task, goOn).then(
    (counted) => {
      port.postMessage(counted, [counted.packed.buffer as ArrayBuffer]);
    },
    () => {
      // Whatever it is, the thread that asked meets it too.
      port.postMessage(null);
    },
  );
});
