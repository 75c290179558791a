import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createServiceNotifier } from '../../src/daemon/sd-notify.ts';
import { endStarted, eventually, run, start } from '../support/processes.ts';
import { temporaryFolder } from '../support/stores.ts';

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

// Node has no datagram sockets of this kind: Python receives, as systemd would.
const RECEIVER = `
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    message, ancillary, _, _ = s.recvmsg(4096, 1024)
    print(message.decode().replace("\\n", "|"), flush=True)
    for _, _, data in ancillary:
        fds = array.array("i")
        fds.frombytes(data[:len(data) // 4 * 4])
        for fd in fds: os.close(fd)
`;
import { waitUntil } from '../support/waiting.ts';
import { needs } from '../support/skips.ts';
const canTry = isThere('systemd-notify') && isThere('python3');
afterEach(endStarted);

/** A socket that keeps what arrives, without what systemd-notify sends for itself. */
async function receive() {
  const socket = join(temporaryFolder('sd-'), 'notify');
  const receiver = start('python3', ['-c', RECEIVER, socket]);
  await eventually('the socket is bound', () => receiver.stdout().includes('bound'));
  const messages = (): string[] =>
    receiver
      .stdout()
      .split('\n')
      .slice(1)
      .filter((line) => line !== '' && line !== 'BARRIER=1');
  return { socket, messages };
}

describe('a service manager', needs(canTry, 'systemd-notify or python3 is not installed'), () => {
  it('is told when the daemon is ready, alive, busy and leaving, by a real datagram', async () => {
    const { socket, messages } = await receive();
    const env = { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '100000' };
    const notifier = createServiceNotifier(env, process.pid, (message) => expect.fail(message));
    notifier.ready('standing by');
    await eventually('signs of life', () => {
      notifier.beat(() => 'recording 1 capture\non 1 server');
      return messages().filter((message) => message === 'WATCHDOG=1').length >= 2;
    });
    await notifier.stopping();
    await waitUntil(() => messages().includes('STOPPING=1'));
    expect(messages().slice(0, 2)).toEqual([
      `READY=1|MAINPID=${process.pid}|STATUS=standing by`,
      'STATUS=recording 1 capture on 1 server|WATCHDOG=1',
    ]);
  });

  it('hears from the program itself, with a session of its own store', async () => {
    const { socket, messages } = await receive();
    const folder = temporaryFolder();
    const bin = resolve(import.meta.dirname, '../../bin/captures.js');
    const env = { CAPTURES_HOME: join(folder, 'home') };
    await run(process.execPath, [bin, 'init', '--user', 'ada', '--password-stdin'], {
      env,
      input: 'correct horse battery\n',
    });
    const daemon = start(process.execPath, [bin, 'daemon'], {
      env: { ...env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '500000' },
    });
    await eventually('it is ready and alive', () => messages().includes('WATCHDOG=1'));
    expect(messages()[0]).toBe(
      `READY=1|MAINPID=${daemon.pid}|STATUS=active, nothing is being recorded`,
    );
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toMatchObject({ status: 0 });
    await waitUntil(() => messages().at(-1) === 'STOPPING=1');
  });
});

describe('without a service manager', () => {
  it('nothing is sent and nothing fails', async () => {
    const notifier = createServiceNotifier({}, 1, (message) => expect.fail(message));
    notifier.ready('x');
    notifier.beat(() => expect.fail('nobody asked'));
    await notifier.stopping();
  });

  it('that can be told, it is said once and the daemon works on', async () => {
    const failures: string[] = [];
    const env = { PATH: temporaryFolder(), NOTIFY_SOCKET: '/nowhere' };
    const notifier = createServiceNotifier(env, 1, (message) => failures.push(message));
    notifier.ready('x');
    await notifier.stopping();
    expect(failures).toHaveLength(1);
  });

  it('a watchdog that is meant for another process gets no signs of life', async () => {
    const folder = temporaryFolder();
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const script = '#!/bin/sh\necho "$@" >> "$NOTIFY_SOCKET.log"\n';
    execFileSync('sh', ['-c', `cat > ${bin}/systemd-notify && chmod +x ${bin}/systemd-notify`], {
      input: script,
    });
    const env = {
      PATH: `${bin}:/bin:/usr/bin`,
      NOTIFY_SOCKET: join(folder, 's'),
      WATCHDOG_USEC: '1000',
      WATCHDOG_PID: '1',
    };
    const notifier = createServiceNotifier(env, 2, (message) => expect.fail(message));
    notifier.ready('x');
    notifier.beat(() => 'x');
    await notifier.stopping();
    expect(existsSync(join(folder, 's.log'))).toBe(true);
    expect(readFileSync(join(folder, 's.log'), 'utf8')).not.toContain('WATCHDOG');
  });
});
