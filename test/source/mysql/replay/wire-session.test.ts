import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { TargetAnswer, TargetCommand } from '../../../../src/core/replays/target.ts';
import {
  enterServer,
  readLoginFiles,
} from '../../../../src/source/mysql/connection/server-entry.ts';
import {
  WireSession,
  type SessionSettings,
} from '../../../../src/source/mysql/replay/wire-session.ts';
import {
  greeting,
  OK,
  packet,
  refusal,
  startFakeServer,
  WELCOME,
} from '../../../support/fake-server.ts';
import { waitUntil } from '../../../support/waiting.ts';

const NONE: SessionSettings = { guard: null, guardsEvery: false, others: [], afterReset: [] };

interface Peer {
  readonly session: WireSession;
  readonly open: () => number;
  readonly heard: () => string;
  /** How often the session said that nothing of it is left. */
  readonly ended: () => number;
  readonly query: (text: string, before?: readonly string[]) => Promise<TargetAnswer>;
  readonly run: (command: TargetCommand) => Promise<TargetAnswer>;
}

/** A session with a peer that lets it in and then does this with what is said to it. */
async function sessionWith(
  answer: (socket: Socket, said: number, bytes: Buffer) => void,
  settings = NONE,
): Promise<Peer> {
  const server = await startFakeServer(greeting(), (socket, said, bytes) => {
    if (said === 1) socket.write(WELCOME);
    else answer(socket, said - 1, bytes);
  });
  const { address } = server;
  let ended = 0;
  const session = await enterServer(
    {
      address,
      password: null,
      files: await readLoginFiles(address),
      kind: 'replayed',
      onId: () => undefined,
      signal: null,
    },
    (loggedIn, reached) => new WireSession(loggedIn, reached, settings, () => ended++),
  );
  const run = (command: TargetCommand, before: readonly string[] = []): Promise<TargetAnswer> =>
    new Promise((resolve) => {
      session.run(command, before, (given) => resolve({ ...given }));
    });
  return {
    session,
    open: server.open,
    heard: () => server.heard().toString('latin1'),
    ended: () => ended,
    run,
    query: (text, before) => run({ type: 'query', text, isSeveral: false }, before),
  };
}

async function expectLost({ session, open, ended, query }: Peer): Promise<void> {
  await waitUntil(() => open() === 0 && ended() === 1);
  expect(session.isLost).toBe(true);
  expect(await query('SELECT 2')).toMatchObject({ code: -1 });
  expect(ended()).toBe(1);
}

const ROWS_BEGIN = Buffer.concat([
  packet(1, Buffer.from([1])),
  packet(2, Buffer.from('\x03def')),
  packet(3, Buffer.from([0xfe, 0, 0, 2, 0])),
  packet(4, Buffer.from('\x01a')),
]);

describe('a server', () => {
  test.each([
    ['that sends garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(40))],
    [
      'whose packets are out of order',
      Buffer.concat([ROWS_BEGIN, packet(9, Buffer.from('\x01a'))]),
    ],
    ['that answers more than it was asked', Buffer.concat([OK, OK])],
  ])('%s is left', async (what, bytes) => {
    const peer = await sessionWith((socket) => void socket.write(bytes));
    const answer = await peer.query('SELECT 1');
    if (!what.includes('more')) expect(answer.code).toBe(-1);
    await expectLost(peer);
  });

  test('that goes away in the middle of an answer is a lost connection, with what had come', async () => {
    const peer = await sessionWith((socket) => void socket.end(ROWS_BEGIN));
    const answer = await peer.query('SELECT 1');
    expect(answer).toMatchObject({ code: -1, isInTransaction: null });
    expect(answer.message).toMatch(/^The connection to the server at .* was lost$/);
    await expectLost(peer);
  });

  test('that goes away in the middle of what is set up answers the command as lost, once', async () => {
    const peer = await sessionWith((socket) => {
      socket.write(OK);
      socket.destroySoon();
    });
    expect(await peer.query('SELECT 1', ['SET @a = 1', 'SET @b = 1'])).toMatchObject({ code: -1 });
    expect(peer.session.setUpFailures).toBe(0);
    await expectLost(peer);
  });

  test('that says why it ends an idle connection is a lost connection', async () => {
    const peer = await sessionWith((socket, said) => {
      if (said === 1)
        socket.write(OK, () => socket.end(refusal(0, 1053, 'Server shutdown in progress')));
    });
    expect(await peer.query('SELECT 1')).toMatchObject({ code: 0 });
    await expectLost(peer);
  });

  test('that stands still is left when we say so', async () => {
    const peer = await sessionWith(() => undefined);
    const waiting = peer.query('SELECT 1');
    peer.session.destroy();
    expect(await waiting).toMatchObject({ code: -1 });
    await expectLost(peer);
  });

  test('that does not hear our good-bye is not waited for', async () => {
    const peer = await sessionWith(() => undefined);
    const waiting = peer.query('SELECT 1');
    const began = performance.now();
    peer.session.close();
    expect(await waiting).toMatchObject({ code: -1 });
    await waitUntil(() => peer.ended() === 1);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('that asks for a file gets an empty packet', async () => {
    const peer = await sessionWith((socket, said, bytes) => {
      if (said === 1) socket.write(packet(1, Buffer.from('\xfb/etc/passwd', 'latin1')));
      else {
        expect(bytes).toEqual(packet(2, Buffer.alloc(0)));
        socket.write(packet(3, Buffer.from([0, 0, 0, 2, 0, 0, 0])));
      }
    });
    expect(await peer.query('LOAD DATA LOCAL INFILE')).toMatchObject({ code: 0 });
  });
});

describe('what keeps data from being changed', () => {
  const settings = {
    guard: 'SET SESSION TRANSACTION READ ONLY',
    guardsEvery: false,
    others: ['SET x = 1'],
    afterReset: [],
  };

  test('ends the session where it fails behind a reset', async () => {
    const answers = [OK, refusal(1, 1231, 'No'), OK];
    const peer = await sessionWith((socket) => void socket.write(Buffer.concat(answers)), settings);
    expect(await peer.run({ type: 'reset' })).toMatchObject({ code: 1231, message: 'No' });
    expect(peer.heard()).toContain('READ ONLY');
    await expectLost(peer);
  });

  test('is not missed when something else fails', async () => {
    const answers = [OK, OK, refusal(1, 1193, 'Unknown system variable')];
    const peer = await sessionWith((socket) => void socket.write(Buffer.concat(answers)), settings);
    expect(await peer.run({ type: 'reset' })).toMatchObject({ code: 1193 });
    expect(peer.session.isLost).toBe(false);
  });

  test('stands in front of every command where it has to, and ends the session where it fails', async () => {
    let fails = false;
    const peer = await sessionWith(
      (socket) => {
        const guard = fails ? refusal(1, 1317, 'Interrupted') : OK;
        socket.write(Buffer.concat([refusal(1, 1193, 'Unknown'), guard, OK]));
      },
      { ...settings, guardsEvery: true },
    );
    expect(await peer.query('SELECT f()', ['SET y = 1'])).toMatchObject({ code: 0 });
    expect(peer.heard()).toMatch(/SET y = 1.*READ ONLY.*SELECT f\(\)/s);
    expect(peer.session.setUpFailures).toBe(1);
    fails = true;
    expect(await peer.query('SELECT g()', ['SET y = 1'])).toMatchObject({ code: -1 });
    await expectLost(peer);
  });
});

test('a command is written with what is set up before it at once', async () => {
  const sizes: number[] = [];
  const peer = await sessionWith((socket, _said, bytes) => {
    sizes.push(bytes.length);
    socket.write(Buffer.concat([OK, OK, OK]));
  });
  peer.session.closeStatement(3);
  expect(await peer.query('SELECT 1', ['SET @a = 1', 'SET @b = 1'])).toMatchObject({ code: 0 });
  expect(sizes).toEqual([9 + 15 + 15 + 13]);
});
