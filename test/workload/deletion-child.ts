import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { UNLIMITED, type Actor } from '../../src/core/access.ts';
import { CaptureRules } from '../../src/core/captures/capture-rules.ts';
import { RetentionService } from '../../src/core/captures/retention.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import { removeDeletedWorkloads } from '../../src/workload/deleted-workloads.ts';
import { finishRemovals } from '../../src/core/captures/workload-removals.ts';
import { removeWorkload } from '../../src/workload/workload-folder.ts';

/**
 * A program on the library that deletes capture 1 of a store and is killed with SIGKILL at a step, or ends.
 * Arguments: the store's folder, `delete` or `prune`, the step.
 */
const [folder = '', how, step] = process.argv.slice(2);
const actor: Actor = { userId: 1, userName: 'ada', isStoreAdmin: true, scope: UNLIMITED };
const store = openStore(folder);
const die = (): void => void process.kill(process.pid, 'SIGKILL');

if (how === 'delete') new CaptureRules(store, systemClock).delete(actor, '1');
else new RetentionService(store, systemClock).prune(actor, 1, 'old');
if (step === 'noted') die();

await finishRemovals(store, async (id) => {
  const path = join(folder, 'captures', String(id));
  if (step === 'renamed') {
    renameSync(path, join(folder, 'captures', `.deleted-${id}-x`));
    mkdirSync(join(folder, 'captures', `.deleted-${id}-x`, 'half'));
    die();
  }
  await removeWorkload(path);
  if (step === 'removed') die();
});
await removeDeletedWorkloads(store);
store.close();
console.log(readdirSync(join(folder, 'captures')).join(','));
