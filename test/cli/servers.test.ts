import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseServerPlace } from '../../src/cli/runtime/server-places.ts';
import { systemClock } from '../../src/core/clock.ts';
import { SignalDesk } from '../../src/cli/runtime/signals.ts';
import { makeCertificate } from '../support/certificates.ts';
import { initialisedHome, PASSWORD, runCaptures, type CliOptions } from '../support/cli.ts';
import { serveHome, type ServedHome } from '../support/served-home.ts';
import { temporaryFolder } from '../support/stores.ts';

let home: string;
let server: ServedHome;
beforeAll(async () => {
  home = await initialisedHome();
  for (const line of ['env create shop', 'create friday --env shop --status SCHEDULED --at +9h']) {
    const { status } = await runCaptures(line.split(' '), { home });
    expect(status).toBe(0);
  }
  server = await serveHome(home, { version: '0.1.0' });
});
afterAll(() => server.close());

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A machine of a user who has no store. */
function client(): CliOptions & { home: string } {
  return { home: join(temporaryFolder(), 'client'), over: 'store' };
}

async function logIn(machine: CliOptions, ...more: string[]): Promise<void> {
  const argv = ['login', 'ada', '--password-stdin', '--server', server.url, ...more];
  const { status, stderr } = await runCaptures(argv, { ...machine, stdin: PASSWORD });
  expect({ status, stderr }).toMatchObject({ status: 0 });
}

function mode(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

describe('login --server', () => {
  it('saves the session, uses the server from then on, and says so', async () => {
    const machine = client();
    const argv = ['login', 'ada', '--server', server.url];
    const made = await runCaptures(argv, {
      ...machine,
      tty: 200,
      answers: [{ to: `Password for ada on ${server.name}`, answer: PASSWORD }],
    });
    expect(made.status).toBe(0);
    expect(made.stderr).toContain(`Logged in ada on ${server.name} until `);
    expect(made.stderr).toContain('Commands use it from now on');
    const listed = await runCaptures(['env', 'list', '-o', 'name'], machine);
    expect(listed).toEqual({ status: 0, stdout: 'shop\n', stderr: '' });
    const who = await runCaptures(['whoami', '--json'], machine);
    expect(JSON.parse(who.stdout)).toMatchObject({ user: 'ada', store: null, server: server.name });
    // No store was made here.
    expect(existsSync(join(machine.home, 'captures.db'))).toBe(false);
  });

  it('keeps the session closed to others, and refuses one that is not', async () => {
    const machine = client();
    await logIn(machine);
    const folder = join(machine.home, 'servers');
    const file = join(folder, `${encodeURIComponent(server.name)}.json`);
    expect([mode(folder), mode(file), mode(join(folder, 'current'))]).toEqual([
      '700',
      '600',
      '600',
    ]);
    chmodSync(file, 0o640);
    const open = await runCaptures(['list'], machine);
    expect([open.status, open.stderr]).toEqual([
      10,
      expect.stringContaining('is open to other users (mode 0640)'),
    ]);
    chmodSync(file, 0o600);
    chmodSync(folder, 0o750);
    expect((await runCaptures(['list'], machine)).stderr).toContain('which holds your session');
  });

  it('of two at once to different servers loses neither', async () => {
    const machine = client();
    const other = await serveHome(home);
    closing.push(() => other.close());
    const argv = ['login', 'ada', '--password-stdin', '--server'];
    const all = [server.url, other.url].map((url) =>
      runCaptures([...argv, url], { ...machine, stdin: PASSWORD }),
    );
    for (const { status } of await Promise.all(all)) expect(status).toBe(0);
    const { stdout } = await runCaptures(['server', 'list', '-o', 'name'], machine);
    expect(stdout.trim().split('\n').sort()).toEqual([server.name, other.name, 'local'].sort());
  });

  it('under another name is known by it', async () => {
    const machine = client();
    await logIn(machine, '--server-name', 'work');
    const who = await runCaptures(['whoami', '--json'], machine);
    expect(JSON.parse(who.stdout)).toMatchObject({ server: 'work' });
    // And again by its name alone.
    const again = ['login', 'ada', '--password-stdin', '--server', 'work', '-q'];
    expect((await runCaptures(again, { ...machine, stdin: PASSWORD })).status).toBe(0);
    const elsewhere = ['login', 'ada', '--server', 'http://127.0.0.1:1', '--server-name', 'work'];
    const taken = await runCaptures(elsewhere, machine);
    expect([taken.status, taken.stderr]).toEqual([
      2,
      expect.stringContaining(`The server "work" is ${server.url}`),
    ]);
  });

  it('with a wrong password, or for nobody, logs nobody in', async () => {
    const machine = client();
    for (const name of ['ada', 'nobody']) {
      const argv = ['login', name, '--password-stdin', '--server', server.url];
      const wrong = await runCaptures(argv, { ...machine, stdin: 'not the password' });
      expect([wrong.status, wrong.stdout]).toEqual([4, '']);
    }
    const { stdout } = await runCaptures(['server', 'list', '-o', 'name'], machine);
    expect(stdout).toBe('local\n');
  });

  it.each([
    ['http://captures.example.com', 'Your password would go to captures.example.com in the clear'],
    ['https://ada@captures.example.com', 'The URL of a server names no user'],
    ['https://captures.example.com/api', 'The URL of a server has no path and no query'],
    ['https://captures.example.com?x=1', 'The URL of a server has no path and no query'],
    ['ftp://captures.example.com', '"ftp://captures.example.com" is not the URL of a server'],
    ['https://', '"https://" is not the URL of a server'],
    ['a b', '"a b" is not the URL of a server'],
    ['host:99999', '"host:99999" is not the URL of a server'],
  ])('to %s is refused', async (url, message) => {
    const { status, stderr } = await runCaptures(['login', 'ada', '--server', url], client());
    expect([status, stderr.split('\n')[0]]).toEqual([2, `captures: ${message}`]);
  });

  it.each([
    ['https://captures.example.com', 'https://captures.example.com', 'captures.example.com'],
    ['https://captures.example.com:443/', 'https://captures.example.com', 'captures.example.com'],
    ['captures.example.com:8443', 'https://captures.example.com:8443', 'captures.example.com:8443'],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080', '127.0.0.1:8080'],
    ['localhost:8080', 'http://localhost:8080', 'localhost:8080'],
    ['[::1]:8080', 'http://[::1]:8080', '[::1]:8080'],
    ['https://127.0.0.1:8443', 'https://127.0.0.1:8443', '127.0.0.1:8443'],
  ])('understands %s', (text, url, name) => {
    expect(parseServerPlace(text)).toEqual({ url, name });
  });
});

describe('server', () => {
  it('list has the store of this machine, and says which one is used', async () => {
    const machine = client();
    await logIn(machine);
    const { stdout } = await runCaptures(['server', 'list', '--json'], machine);
    expect(JSON.parse(stdout)).toEqual([
      { name: 'local', url: null, user: null, expiresAt: null, current: false },
      {
        name: server.name,
        url: server.url,
        user: 'ada',
        expiresAt: expect.stringMatching(/Z$/) as string,
        current: true,
      },
    ]);
  });

  it('use chooses, CAPTURES_SERVER wins, and both say where one is', async () => {
    // A machine with a store of its own beside the server.
    const own = await initialisedHome();
    const machine: CliOptions = { home: own, over: 'store' };
    await logIn(machine);
    expect((await runCaptures(['env', 'list', '-o', 'name'], machine)).stdout).toBe('shop\n');
    const back = await runCaptures(['server', 'use', 'local'], machine);
    expect(back).toEqual({
      status: 0,
      stdout: '',
      stderr: 'Commands use the store of this machine from now on.\n',
    });
    expect((await runCaptures(['env', 'list', '-o', 'name'], machine)).stdout).toBe('');
    for (const chosen of [server.name, server.url]) {
      const env = { CAPTURES_SERVER: chosen };
      const there = await runCaptures(['env', 'list', '-o', 'name'], { ...machine, env });
      expect(there.stdout).toBe('shop\n');
    }
    const used = await runCaptures(['server', 'use', server.name], {
      ...machine,
      env: { CAPTURES_SERVER: 'local' },
    });
    expect(used.stderr).toContain(`Commands use ${server.name} from now on, as ada.`);
    expect(used.stderr).toContain(
      `warning: CAPTURES_SERVER is set: it is used instead of ${server.name}`,
    );
    const bare = await runCaptures([], machine);
    expect(bare.stdout).toContain(`Server: ${server.name}, as ada`);
  });

  it('use of one that is not known is refused, with those that are', async () => {
    const machine = client();
    for (const [expected, result] of [
      [3, await runCaptures(['server', 'use', 'nowhere'], machine)],
      [2, await runCaptures(['list'], { ...machine, env: { CAPTURES_SERVER: 'nowhere' } })],
    ] as const) {
      expect(result.status).toBe(expected);
      expect(result.stderr).toContain('There is no server "nowhere"');
      expect(result.stderr).toContain('Known servers: local.');
    }
    // Half of a character.
    expect((await runCaptures(['server', 'use', '\ud800'], machine)).status).toBe(3);
  });

  it('use of one without its port, or with a slip, names the one that was meant', async () => {
    const machine = client();
    await logIn(machine);
    for (const typed of ['127.0.0.1', server.name.replace('127', '172')]) {
      const { status, stderr } = await runCaptures(['server', 'use', typed], machine);
      expect([status, stderr]).toEqual([
        3,
        `captures: There is no server "${typed}"\n  Did you mean ${server.name}? Known servers: ${server.name}, local. Another one: captures login NAME --server URL\n`,
      ]);
    }
    await runCaptures(['server', 'use', 'local'], machine);
    expect((await runCaptures([], machine)).stdout).toContain(
      `\n  captures server use ${server.name}\n  captures init\n`,
    );
  });

  it('remove ends the session there and goes back to the store of this machine', async () => {
    const machine = client();
    await logIn(machine);
    const file = join(machine.home, 'servers', `${encodeURIComponent(server.name)}.json`);
    const { session } = JSON.parse(readFileSync(file, 'utf8')) as { session: { secret: string } };
    const removed = await runCaptures(['server', 'remove', server.name], machine);
    expect([removed.status, removed.stderr]).toEqual([
      0,
      `Removed ${server.name}. Commands use the store of this machine from now on.\n`,
    ]);
    expect(existsSync(file)).toBe(false);
    const env = { CAPTURES_SERVER: server.url, CAPTURES_TOKEN: session.secret };
    expect((await runCaptures(['whoami'], { ...machine, env })).status).toBe(4);
  });

  it('remove of one that cannot be reached says that the session goes on', async () => {
    const machine = client();
    const gone = await serveHome(home);
    const argv = ['login', 'ada', '--password-stdin', '--server', gone.url];
    await runCaptures(argv, { ...machine, stdin: PASSWORD });
    await gone.close();
    const removed = await runCaptures(['server', 'remove', gone.name], machine);
    expect(removed.status).toBe(0);
    expect(removed.stderr).toContain('your session there was not ended, and is valid until');
    expect((await runCaptures(['server', 'list', '-o', 'name'], machine)).stdout).toBe('local\n');
  });

  it('that was damaged or is gone does not keep one from choosing another', async () => {
    const machine = client();
    await logIn(machine);
    writeFileSync(join(machine.home, 'servers', 'current'), 'gone\n', { mode: 0o600 });
    const broken = await runCaptures(['list'], machine);
    expect([broken.status, broken.stderr]).toEqual([
      2,
      expect.stringContaining('There is no server "gone", which captures server use chose'),
    ]);
    expect((await runCaptures(['server', 'use', 'local'], machine)).status).toBe(0);
  });

  it('logout ends the session there, and a token works without one', async () => {
    const machine = client();
    await logIn(machine);
    const made = await runCaptures(['token', 'create', '--name', 'ci'], machine);
    expect(made.status).toBe(0);
    const out = await runCaptures(['logout'], machine);
    expect(out.stderr).toBe(`Logged out on ${server.name}.\n`);
    const refused = await runCaptures(['list'], machine);
    expect([refused.status, refused.stderr]).toEqual([
      4,
      expect.stringContaining('You are not logged in'),
    ]);
    const env = { CAPTURES_SERVER: server.url, CAPTURES_TOKEN: made.stdout.trim() };
    const who = await runCaptures(['whoami', '-o', 'name'], { ...client(), env });
    expect(who).toEqual({ status: 0, stdout: 'ada\n', stderr: '' });
  });
});

describe('on a client', () => {
  it.each([
    [['init'], 'captures init'],
    [['daemon'], 'captures daemon'],
    [['recover'], 'captures recover'],
  ])('%s says that it is run where the store is', async (argv, what) => {
    const machine = client();
    await logIn(machine);
    const { status, stderr } = await runCaptures(argv, machine);
    expect([status, stderr.split('\n')]).toEqual([
      2,
      [
        `captures: ${what} is run on the server's machine, and you use the server ${server.name}`,
        `  Run it there. For the store of this machine: CAPTURES_SERVER=local ${what}`,
        '',
      ],
    ]);
  });

  it('paths of passwords are those of the server', async () => {
    const machine = client();
    await logIn(machine);
    const argv = ['env', 'create', 'x', '--url', 'mysql://r@h', '--password-from'];
    for (const reference of ['file:secret', 'file:~/secret', 'cnf:~/.my.cnf#client']) {
      const { status, stderr } = await runCaptures([...argv, reference], machine);
      expect([status, stderr]).toEqual([
        2,
        expect.stringContaining(`is not an absolute path on the server ${server.name}`),
      ]);
    }
  });

  it('a loss is confirmed with the name of the server', async () => {
    const machine = client();
    await logIn(machine);
    expect((await runCaptures(['create', 'doomed', '--env', 'shop', '-q'], machine)).status).toBe(
      0,
    );
    const deleted = await runCaptures(['delete', 'doomed'], {
      ...machine,
      tty: 80,
      answers: [{ to: `name to delete it on ${server.name}`, answer: 'doomed' }],
    });
    expect(deleted.status).toBe(0);
  });

  it('doctor looks at the server, the login and what can be told', async () => {
    const machine = client();
    await logIn(machine);
    const { status, stdout } = await runCaptures(['doctor', '--json'], machine);
    const found = JSON.parse(stdout) as { check: string; status: string; detail: string }[];
    const of = (check: string) => found.find((one) => one.check === check);
    expect(of('server')).toMatchObject({
      status: 'ok',
      detail: `${server.url}, captures 0.1.0`,
    });
    expect(of('session')).toMatchObject({ status: 'ok' });
    expect(of('store')).toBeUndefined();
    expect(status).toBe(0);
  });

  it('completion offers what is on the server, and the servers', async () => {
    const machine = client();
    await logIn(machine);
    const names = await runCaptures(['__complete', 'zsh', 'env', 'get', ''], machine);
    expect(names.stdout).toContain('shop');
    const servers = await runCaptures(['__complete', 'zsh', 'server', 'use', ''], machine);
    expect(servers.stdout).toContain('local');
  });
});

describe('what login --server finds out first', () => {
  it('is whether there is a server, before it asks for the password', async () => {
    const gone = await serveHome(home);
    await gone.close();
    const argv = ['login', 'ada', '--server', gone.url];
    const { status, stderr } = await runCaptures(argv, { ...client(), tty: 200 });
    expect([status, stderr.includes('nothing listens there')]).toEqual([9, true]);
  });

  it('is whether --server-ca can be meant', async () => {
    const argv = ['login', 'ada', '--server'];
    const missing = await runCaptures(
      [...argv, 'https://127.0.0.1', '--server-ca', '/none'],
      client(),
    );
    expect([missing.status, missing.stderr]).toEqual([
      2,
      'captures: The file of certificates /none cannot be read: ENOENT\n',
    ]);
    const { cert } = makeCertificate(temporaryFolder(), 'server', 30);
    const clear = await runCaptures([...argv, '127.0.0.1:1', '--server-ca', cert], client());
    expect([clear.status, clear.stderr]).toEqual([
      2,
      'captures: --server-ca is for https, and this is http://127.0.0.1:1\n  If it is https: --server https://127.0.0.1:1\n',
    ]);
  });
});

describe('a proxy that HTTPS_PROXY names', () => {
  it('is asked for a server elsewhere, and for none on this machine', async () => {
    const files = makeCertificate(temporaryFolder(), 'server', 30);
    const [cert, key] = [readFileSync(files.cert, 'utf8'), readFileSync(files.key, 'utf8')];
    const safe = await serveHome(home, { certificate: { cert, key } });
    const asked: string[] = [];
    const proxy = createServer().on('connect', (request: IncomingMessage, client: Socket) => {
      asked.push(request.url ?? '');
      const port = Number(/:(\d+)$/.exec(request.url ?? '')?.[1]);
      const onward = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n');
        client.pipe(onward).pipe(client);
      });
      onward.on('error', () => client.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    closing.push(() => safe.close());
    closing.push(() => new Promise((resolve) => proxy.close(() => resolve())));
    const { port } = proxy.address() as AddressInfo;
    const { port: ownPort } = new URL(safe.url);
    const login = (host: string, env: NodeJS.ProcessEnv) =>
      runCaptures(
        ['login', 'ada', '--password-stdin', '--server', host, '--server-ca', files.cert],
        { ...client(), stdin: PASSWORD, env },
      );
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}` };
    expect(await login(`captures.test:${ownPort}`, env)).toMatchObject({ status: 0 });
    expect(new Set(asked)).toEqual(new Set([`captures.test:${ownPort}`]));
    expect(await login(`https://127.0.0.1:${ownPort}`, env)).toMatchObject({ status: 0 });
    expect(new Set(asked).size).toBe(1);
    const refused = await login(`captures.test:${ownPort}`, {
      ...env,
      NO_PROXY: '.captures.test, captures.test',
    });
    expect(new Set(asked).size).toBe(1);
    expect(refused).toMatchObject({
      status: 9,
      stderr: expect.stringContaining('HTTPS_PROXY is set: does that proxy lead there?') as string,
    });
  });
});

describe('a session that the server does not know', () => {
  function spoilSession(home: string): void {
    const folder = join(home, 'servers');
    for (const file of readdirSync(folder).filter((one) => one.endsWith('.json'))) {
      const path = join(folder, file);
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replace(/("secret": *")./, '$1x'));
    }
  }

  it.each([
    ['has expired', 2],
    ['is not known there any more', 0],
  ])('%s: that is said, and of which server', async (why, hours) => {
    const machine = client();
    await logIn(machine, '--expires', '1h');
    const now = Date.now() + hours * 3_600_000;
    spoilSession(machine.home);
    const clock = { ...systemClock, now: () => now };
    const refused = await runCaptures(['list'], { ...machine, clock });
    expect([refused.status, refused.stderr]).toEqual([
      4,
      `captures: Your session on ${server.name} ${why}\n  Log in with: captures login ada\n`,
    ]);
  });

  it('is a finding of doctor, with all the others', async () => {
    const machine = client();
    await logIn(machine);
    spoilSession(machine.home);
    const { status, stdout } = await runCaptures(['doctor', '--json'], machine);
    const found = JSON.parse(stdout) as { check: string; status: string }[];
    expect([status, found.map((one) => `${one.check} ${one.status}`)]).toEqual([
      4,
      ['program ok', 'time zones ok', 'server ok', 'session fail'],
    ]);
  });

  it.each(['list', 'get friday'])('%s says it of a token as well', async (line) => {
    const env = { CAPTURES_SERVER: server.url, CAPTURES_TOKEN: 'x' };
    const refused = await runCaptures(line.split(' '), { ...client(), env });
    expect([refused.status, refused.stderr]).toEqual([
      4,
      'captures: You are not logged in: the session or token is not known to this store\n  CAPTURES_TOKEN is used instead of the session: set it to a valid token, or unset it.\n',
    ]);
  });
});

describe('a command asks a server', () => {
  it.each([
    // Nothing at the end, where there is nothing to warn of.
    ['list', ['listCaptures']],
    ['list --all', ['listCaptures']],
    ['get friday', ['describeCapture']],
    ['env list', ['whoAmI', 'listEnvironments']],
  ])('%s: %j and no more', async (line, requests) => {
    const machine = client();
    await logIn(machine);
    const before = server.asked.length;
    const { status } = await runCaptures(line.split(' '), machine);
    expect({ status, asked: server.asked.slice(before) }).toEqual({ status: 0, asked: requests });
  });
});

describe('a server that cannot be asked', () => {
  async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(
      () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          if ('closeAllConnections' in server) server.closeAllConnections();
        }),
    );
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const answering = (listener: RequestListener) => listening(createServer(listener));

  async function ask(place: string, more: CliOptions = {}) {
    const env = { CAPTURES_SERVER: place, CAPTURES_TOKEN: 'x' };
    const { status, stdout, stderr } = await runCaptures(['list'], { ...client(), env, ...more });
    const [message = '', hint = ''] = stderr.split('\n');
    return { status, stdout, message: message.replace('captures: ', ''), hint: hint.trim() };
  }

  it('because nothing listens is said to be so', async () => {
    const gone = await serveHome(home);
    await gone.close();
    expect(await ask(gone.url)).toEqual({
      status: 9,
      stdout: '',
      message: `Cannot reach the server ${gone.name}: nothing listens there`,
      hint: 'Ask who runs it whether its daemon runs; if that is you: captures daemon --listen HOST:PORT. For the store of this machine: captures server use local',
    });
  });

  it('because there is no such host is said to be so', async () => {
    const { status, message } = await ask('https://no-such-host.invalid');
    expect(status).toBe(9);
    expect(message).toMatch(/^Cannot reach the server no-such-host\.invalid: /);
  });

  it.each<[string, RequestListener, string]>([
    [
      'answers HTML',
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
        response.end('<h1>It works!</h1>');
      },
      '% is not a server of captures: it answered 200 with text/html',
    ],
    [
      'knows nothing of us',
      (_request, response) => {
        response.writeHead(404, { 'content-type': 'text/plain' });
        response.end('not found');
      },
      '% is not a server of captures: it answered 404 with text/plain',
    ],
    [
      'answers JSON of its own',
      (_request, response) => {
        response.writeHead(404, { 'content-type': 'application/json' });
        response.end('{"error":"nope"}');
      },
      '% is not a server of captures: it answered 404 with application/json',
    ],
    [
      'redirects',
      (_request, response) => {
        response.writeHead(302, { location: 'https://sso.example.com/login' });
        response.end();
      },
      '% sends its clients to https://sso.example.com/login',
    ],
    [
      'is a proxy without the server',
      (_request, response) => {
        response.writeHead(502, { 'content-type': 'text/html' });
        response.end('<h1>Bad Gateway</h1>');
      },
      'The proxy % cannot reach the server behind it (it says 502)',
    ],
    [
      'closes the connection',
      (request) => void request.socket.destroy(),
      'The server % closed the connection before it answered',
    ],
  ])('because it %s is said to be so', async (_what, listener, message) => {
    const place = await answering(listener);
    const asked = await ask(`http://${place}`);
    expect([asked.status, asked.stdout, asked.message]).toEqual([
      9,
      '',
      message.replace('%', place),
    ]);
    expect(asked.hint).not.toBe('');
    expect(asked.hint).not.toMatch(/\{|THAT-http/);
  });

  it('because it speaks something else is said to be so', async () => {
    const place = await listening(
      createTcpServer((socket) => socket.resume().end('220 smtp ready\r\n')),
    );
    expect(await ask(`http://${place}`)).toMatchObject({
      status: 9,
      message: `${place} does not answer as a server of captures does`,
    });
  });

  it('because it has no TLS, or one that is not trusted, is said to be so', async () => {
    expect(await ask(server.url.replace('http:', 'https:'))).toMatchObject({
      status: 9,
      message: `The server ${server.name} was asked over https, and does not speak TLS`,
      hint: `If it is on this machine, use http: captures login NAME --server ${server.url}. If it is not, ask who runs it.`,
    });
    const files = makeCertificate(temporaryFolder(), 'server', 30);
    const certificate = {
      cert: readFileSync(files.cert, 'utf8'),
      key: readFileSync(files.key, 'utf8'),
    };
    const safe = await serveHome(home, { certificate });
    closing.push(() => safe.close());
    expect(await ask(safe.url.replace('https:', 'http:'))).toMatchObject({
      status: 9,
      message: `The server ${safe.name} speaks https, and was asked over http`,
      hint: `Use https: captures login NAME --server ${safe.url}`,
    });
    expect(await ask(safe.url)).toMatchObject({
      status: 9,
      message: `The certificate of the server ${safe.name} is not trusted`,
      hint: `If its certificate is of your own authority: captures login NAME --server ${safe.url} --server-ca FILE. With CAPTURES_TOKEN set NODE_EXTRA_CA_CERTS=FILE instead.`,
    });
    const argv = ['login', 'ada', '--password-stdin', '--server', safe.url, '--server-ca'];
    const machine = client();
    const made = await runCaptures([...argv, files.cert], { ...machine, stdin: PASSWORD });
    expect({ ...made, stdout: '' }).toMatchObject({ status: 0 });
    expect((await runCaptures(['env', 'list', '-o', 'name'], machine)).stdout).toBe('shop\n');
  });

  it.each([
    ['newer', '9.0.0', '2', 'Update this program to the version of the server.'],
    ['older', '0.0.9', '0', 'Who runs the server can update it; until then use its version'],
  ])('because it is %s is said to be so', async (_what, version, api, hint) => {
    const place = await answering((_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'captures-version': version,
        'captures-api': api,
      });
      response.end('{}');
    });
    const asked = await ask(`http://${place}`);
    expect(asked.status).toBe(9);
    expect(asked.message).toMatch(
      new RegExp(`^The server ${place} runs captures ${version}, this is \\d+\\.\\d+\\.\\d+: `),
    );
    expect(asked.hint).toContain(hint);
  });

  it('because it goes away in the middle of its answer is said to be so', async () => {
    const place = await answering((request, response) => {
      response.setHeader('captures-api', '1');
      if (request.url === '/api/whoami') {
        response.setHeader('content-type', 'application/json');
        const actor = { userId: 1, userName: 'ada', isStoreAdmin: true, credentialId: 1 };
        const scope = { isReadOnly: false, environmentIds: null };
        const expiresAt = '2030-01-01T00:00:00.000Z';
        response.end(JSON.stringify({ ...actor, kind: 'token', expiresAt, scope }));
        return;
      }
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      response.flushHeaders();
      setImmediate(() => response.destroy());
    });
    expect(await ask(`http://${place}`)).toMatchObject({
      status: 9,
      message: `The connection to the server ${place} was lost before its answer was complete`,
    });
  });

  it('is left at once by Ctrl-C', async () => {
    const signals = new SignalDesk();
    const place = await answering(() => void signals.deliver('SIGINT'));
    expect(await ask(`http://${place}`, { signals })).toMatchObject({ status: 130, message: '' });
  });

  it('in JSON is one object on stderr', async () => {
    const gone = await serveHome(home);
    await gone.close();
    const env = { CAPTURES_SERVER: gone.url, CAPTURES_TOKEN: 'x' };
    const { status, stderr } = await runCaptures(['list', '--json'], { ...client(), env });
    expect(status).toBe(9);
    expect(JSON.parse(stderr)).toMatchObject({
      code: 502,
      message: `Cannot reach the server ${gone.name}: nothing listens there`,
    });
  });
});
