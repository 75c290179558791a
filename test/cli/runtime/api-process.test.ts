import { closeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ApiProcess } from '../../../src/cli/runtime/api-process.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { makePipe, openToWrite } from '../../support/pipes.ts';
import { eventually } from '../../support/processes.ts';
import { temporaryFolder } from '../../support/stores.ts';

describe('the process of the API', () => {
  it('that does not say that it listens within a minute is ended, with a sentence', async () => {
    const pipe = makePipe(temporaryFolder(), 'certificate');
    const clock = new ManualClock();
    const events: string[] = [];
    const api = new ApiProcess(
      {
        listen: { host: '127.0.0.1', port: 0 },
        // It reads it for ever: nothing is written to it.
        tls: { cert: pipe, key: pipe },
        proxyHeader: null,
        logLevel: 'info',
        credentials: { folders: [], prefixes: [] },
        daemonPid: process.pid,
      },
      {
        clock,
        log: (_level, event) => void events.push(event),
        leaving: new AbortController().signal,
      },
    );
    const outcome = api.start().catch((error: unknown) => error);
    const writing = await eventually('it reads the certificate', () => openToWrite(pipe));
    await clock.advance(59_999);
    const later = Promise.resolve('still waiting');
    expect(await Promise.race([outcome, later])).toBe('still waiting');
    await clock.advance(1);
    expect(await outcome).toMatchObject({
      code: 'store_unusable',
      message: 'The API server did not listen within 60 seconds of its start',
      hint: /check that the disks they are on answer/,
    });
    closeSync(writing);
    // Nobody has it open any more: it has ended.
    expect(openToWrite(pipe)).toBeNull();
    expect(events).toEqual([]);
  });
});
