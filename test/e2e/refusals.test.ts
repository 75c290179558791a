import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { chosenServer } from '../../scripts/server-programs.ts';
import { startServer } from '../support/database-server.ts';
import { greeting, packet, startFakeServer, WELCOME } from '../support/fake-server.ts';
import { endStarted } from '../support/processes.ts';
import { startShopServer, type ShopServer } from './shop-server.ts';
import { expectRefusal, Workplace } from './workplace.ts';
import { needs } from '../support/skips.ts';

/** MySQL, and MariaDB from 11.4 on, make certificates of their own when they have none. */
const NO_TLS = { mariadb: ['--skip-ssl'], mysql: ['--tls-version='] };
const isMysql = chosenServer(() => undefined).family === 'mysql';

let server: ShopServer;
let place: Workplace;
let before: Record<string, unknown>;
beforeAll(async () => {
  server = await startShopServer();
  place = await Workplace.at(server);
  before = await server.settings();
});
// Whatever was refused: nothing is stored, nothing is left on the server, no process is left.
afterEach(async () => {
  await endStarted();
  expect(await place.list()).toEqual([]);
  expect(place.processes()).toEqual([]);
  expect(await server.settings()).toEqual(before);
});
afterAll(async () => {
  await place.close();
  await server.stop();
});

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a server that is not there: exit 9, saying where', async () => {
  const port = await closedPort();
  await place.addEnvironment('down', port, 'recorder', 'x');
  for (const args of [
    ['create', 'x', '--env', 'down'],
    ['create', 'x', '--env', 'down', '--', 'true'],
    ['env', 'check', 'down'],
  ]) {
    expectRefusal(await place.captures(args), 9, `127.0.0.1:${port} refused the connection`);
  }
});

test('a host that does not exist: exit 9, naming it', async () => {
  await place.given(['env', 'create', 'lost', '--url', 'mysql://u@no-such-host.invalid']);
  const outcome = await place.captures(['create', 'x', '--env', 'lost']);
  expectRefusal(outcome, 9, 'no-such-host.invalid');
});

test('something that listens and says nothing: exit 9 within its patience', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await place.addEnvironment('silent', port, 'recorder', 'x');
  const outcome = await place.captures(['create', 'x', '--env', 'silent']);
  silent.close();
  expectRefusal(outcome, 9, 'did not answer in time');
});

test('a peer that knows no protocol: exit 9, with --json one object on stderr and nothing of the driver', async () => {
  for (const answer of [packet(3, Buffer.alloc(7)), packet(1, Buffer.alloc(0))]) {
    const peer = await startFakeServer(greeting(), (socket, said) => {
      socket.write(said === 1 ? WELCOME : answer);
    });
    const name = `odd${answer.length}`;
    await place.addEnvironment(name, peer.address.port, 'recorder', 'x');
    for (const command of [
      ['env', 'check', name],
      ['create', 'x', '--env', name],
    ]) {
      const outcome = await place.captures([...command, '--json']);
      expect([outcome.status, outcome.stdout]).toEqual([9, '']);
      expect(JSON.parse(outcome.stderr)).toMatchObject({
        code: 502,
        message: expect.stringContaining('does not speak as a MySQL or MariaDB server does'),
      });
    }
  }
});

test('a wrong database password: exit 9, naming the account and never the password', async () => {
  await place.addEnvironment('mistyped', server.port, 'recorder', 'mistyped-password');
  const outcome = await place.captures(['create', 'x', '--env', 'mistyped']);
  expectRefusal(outcome, 9, 'refused the login of "recorder"');
  expect(outcome.stderr).not.toContain('mistyped-password');
});

test('an authority to trust, and a server without TLS: exit 9, blaming the server', async () => {
  const plain = await startServer({ options: NO_TLS[server.family] });
  await place.addEnvironment('trusting', plain.port, 'recorder', server.recorderPassword);
  const authority = join(place.desk, 'authority.pem');
  writeFileSync(authority, rootCertificates[0] ?? '');
  const tls = ['--ssl-mode', 'VERIFY_CA', '--ssl-ca', authority];
  await place.given(['env', 'edit', 'trusting', ...tls]);
  const outcome = await place.captures(['create', 'x', '--env', 'trusting']);
  await plain.stop();
  expectRefusal(outcome, 9, 'does not offer encrypted connections');
});

const signed = 'a wrong password for ed25519: exit 9, as for any other; the right one logs in';
test(signed, needs(!isMysql, 'it is of MariaDB only'), async () => {
  await server.query("INSTALL SONAME 'auth_ed25519'");
  await server.query("CREATE USER signs@127.0.0.1 IDENTIFIED VIA ed25519 USING PASSWORD('s3cret')");
  await place.addEnvironment('signed', server.port, 'signs', 's3cret');
  await place.addEnvironment('forged', server.port, 'signs', 'mistyped-password');
  expectRefusal(
    await place.captures(['create', 'x', '--env', 'forged']),
    9,
    'refused the login of "signs"',
  );
  expectRefusal(
    await place.captures(['create', 'x', '--env', 'signed']),
    9,
    'GRANT SUPER ON *.* TO `signs`@`127.0.0.1`',
  );
  await server.query('DROP USER signs@127.0.0.1');
  await server.query("UNINSTALL SONAME 'auth_ed25519'");
});

test('a password that is not where the reference says: one sentence that names the place', async () => {
  await place.ok([
    'env',
    'create',
    'unset',
    '--url',
    `mysql://recorder@127.0.0.1:${server.port}`,
    '--password-from',
    'env:NOT_SET_ANYWHERE',
  ]);
  const outcome = await place.captures(['create', 'x', '--env', 'unset']);
  expect(outcome.status).not.toBe(0);
  expectRefusal(outcome, outcome.status ?? 0, 'NOT_SET_ANYWHERE');
});

test('a missing privilege: exit 9, with the GRANT to run', async () => {
  await server.query("CREATE USER weak@127.0.0.1 IDENTIFIED BY 'w'");
  const granted = isMysql ? 'SYSTEM_VARIABLES_ADMIN' : 'SUPER';
  await server.query(`GRANT ${granted}, PROCESS ON *.* TO weak@127.0.0.1`);
  await place.addEnvironment('weak', server.port, 'weak', 'w');
  const refused = await place.captures(['create', 'x', '--env', 'weak']);
  const grants = [
    'GRANT SELECT, INSERT, CREATE, DROP, ALTER ON mysql.general_log TO `weak`@`127.0.0.1`',
    'GRANT ALL PRIVILEGES ON captures.* TO `weak`@`127.0.0.1`',
  ];
  expectRefusal(refused, 9, 'mysql.general_log');
  for (const grant of grants) expect(refused.stderr).toContain(grant);
  const checked = await place.captures(['env', 'check', 'weak']);
  for (const grant of grants) expect(checked.stdout + checked.stderr).toContain(grant);
  // The advice is enough.
  for (const grant of grants) await server.query(grant);
  await place.ok(['env', 'check', 'weak']);
  await place.ok(['create', 'now', '--env', 'weak']);
  await place.ok(['stop', 'now']);
  await place.ok(['delete', 'now', '--yes']);
  await place.whenQuiet();
  await server.query('DROP USER weak@127.0.0.1');
});

test("a schema `captures` that is somebody else's: exit 6, and it is left alone", async () => {
  await server.query('CREATE DATABASE captures');
  await server.query('CREATE TABLE captures.photos (id INT)');
  await server.query('INSERT INTO captures.photos VALUES (42)');
  const outcome = await place.captures(['create', 'x', '--env', 'shop']);
  expectRefusal(outcome, 6, /schema "captures"/);
  expect(await server.query('SELECT * FROM captures.photos')).toEqual([{ id: 42 }]);
  await server.query('DROP DATABASE captures');
});

test("another store's recorder: exit 6, naming it, and its capture goes on", async () => {
  const other = await Workplace.at(server);
  try {
    await other.ok(['create', 'theirs', '--env', 'shop']);
    const outcome = await place.captures(['create', 'x', '--env', 'shop']);
    expectRefusal(outcome, 6, /recorder/);
    const check = await place.captures(['env', 'check', 'shop']);
    expect(check.stdout + check.stderr).toMatch(/recorder@/);
    expect(await other.get('theirs')).toMatchObject({ status: 'RUNNING' });
    await other.ok(['stop', 'theirs']);
    await other.whenQuiet();
  } finally {
    await other.close();
  }
});

test('an unknown environment: exit 3', async () => {
  const outcome = await place.captures(['create', 'x', '--env', 'nowhere']);
  expectRefusal(outcome, 3, 'Environment does not exist');
});

test('a name that is taken: exit 2 before the server is asked, and nothing is switched on', async () => {
  await place.ok(['create', 'taken', '--env', 'shop']);
  await place.ok(['stop', 'taken']);
  const outcome = await place.captures(['create', 'Taken', '--env', 'shop']);
  expectRefusal(outcome, 2, 'Capture with the same name already exists in this environment');
  await place.ok(['delete', 'taken', '--yes']);
  await place.whenQuiet();
});
