import { closeSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { makeCertificate, type CertificateFiles } from '../support/certificates.ts';
import { makePipe, openToWrite } from '../support/pipes.ts';
import { endStarted, eventually, type RunningProcess } from '../support/processes.ts';
import { sendRaw } from '../support/raw-sockets.ts';
import { TestStore } from '../support/stores.ts';
import { Workplace } from './workplace.ts';

let place: Workplace;
let files: CertificateFiles;
beforeAll(() => {
  place = new Workplace(new TestStore(systemClock).store.directory);
  files = makeCertificate(place.desk, 'server', 30);
});
afterEach(() => endStarted());
afterAll(() => place.close());

function serve(cert: string, key = files.key): RunningProcess {
  return place.start(['daemon', '--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key]);
}

function urlOf({ stderr }: RunningProcess): Promise<string> {
  return eventually('it listens', () => /"url":"([^"]+)"/.exec(stderr())?.[1]);
}

const whoReads = (pipe: string): Promise<number> =>
  eventually('the certificate is read', () => openToWrite(pipe));

describe('a daemon whose certificate is a pipe', () => {
  let pipe: string;
  let made = 0;
  /** As long as it is open the pipe has no end. */
  let writing: number | null;
  beforeEach(() => {
    pipe = makePipe(place.desk, `pipe-${made++}`);
    writing = null;
  });
  afterEach(() => {
    if (writing !== null) closeSync(writing);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends in order at %s while it waits for it, and leaves neither a process nor the lease',
    async (signal) => {
      const daemon = serve(pipe);
      writing = await whoReads(pipe);
      daemon.child.kill(signal);
      expect(await daemon.ended).toMatchObject({ status: 0, signal: null });
      expect(place.processes()).toEqual([]);
      const events = eventsOf(daemon);
      expect(events).toEqual(['leaving']);

      const next = await place.startDaemon();
      expect(eventsOf(next)).toEqual(['daemon active']);
      next.child.kill(signal);
      expect(await next.ended).toMatchObject({ status: 0 });
    },
  );

  it('leaves no process when it is killed while it waits for it', async () => {
    const daemon = serve(pipe);
    writing = await whoReads(pipe);
    daemon.child.kill('SIGKILL');
    await daemon.ended;
    await place.whenQuiet();
  });

  it('reads it again where it is told to while it waits for it', async () => {
    const daemon = serve(pipe);
    const first = await whoReads(pipe);
    daemon.child.kill('SIGHUP');
    writeSync(first, readFileSync(files.cert));
    closeSync(first);
    await urlOf(daemon);
    const second = await whoReads(pipe);
    writeSync(second, readFileSync(files.cert));
    closeSync(second);
    await eventually('it is read again', () => eventsOf(daemon).includes('certificate read again'));
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ status: 0 });
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'in place of one that it serves with goes on serving, and leaves no process at %s',
    async (signal) => {
      const { cert, key } = makeCertificate(place.desk, signal, 30);
      const daemon = serve(cert, key);
      const url = await urlOf(daemon);
      renameSync(cert, join(place.desk, 'old.pem'));
      renameSync(pipe, cert);
      daemon.child.kill('SIGHUP');
      writing = await whoReads(cert);
      expect(await sendRaw(url, 'GET / HTTP/1.1\r\n\r\n')).toContain('400');
      daemon.child.kill(signal);
      await daemon.ended;
      await place.whenQuiet();
      expect(daemon.stderr()).not.toContain('does not end');
    },
  );
});

/** What it logged, each line an object. */
function eventsOf({ stderr }: RunningProcess): string[] {
  return stderr()
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { event: string }).event);
}
