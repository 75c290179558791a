/** The thread that counts units: `CountingLanes` starts it, and tells it what to count. */
import { parentPort } from 'node:worker_threads';
import { LaneCounter, type LaneRequest } from './lane-counting.ts';

const port = parentPort;
const lane = new LaneCounter();

/** Nothing else is waiting in this thread. */
const goOn = (): Promise<void> => Promise.resolve();

port?.on('message', (request: LaneRequest) => {
  if (request.type === 'digests') {
    const digests = lane.digests();
    port.postMessage(digests, [digests.buffer as ArrayBuffer]);
    return;
  }
  lane.count(request.task, goOn).then(
    (counted) => {
      port.postMessage(counted, [counted.packed.buffer as ArrayBuffer]);
    },
    () => {
      // Whatever it is, the thread that asked meets it too.
      port.postMessage(null);
    },
  );
});
