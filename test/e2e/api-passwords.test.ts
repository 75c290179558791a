import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { endStarted, eventually } from '../support/processes.ts';
import { addUser } from '../support/users.ts';
import { Workplace } from './workplace.ts';

let place: Workplace;
let folder: string;
beforeAll(async () => {
  place = await Workplace.make();
  folder = join(place.desk, 'credentials');
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, 'shop'), 's3cret', { mode: 0o600 });
});
afterEach(() => endStarted());
afterAll(() => place.close());

async function serve(): Promise<string> {
  const options = ['--listen', '127.0.0.1:0', '--credentials', folder, '--log-level', 'debug'];
  const daemon = place.start(['daemon', ...options]);
  return eventually('it listens', () =>
    // The daemon has its lease before it serves.
    /"event":"daemon active"/.test(daemon.stderr())
      ? /"url":"(http:[^"]+)"/.exec(daemon.stderr())?.[1]
      : undefined,
  );
}

describe('passwords of the server, over the API of a daemon', () => {
  it('are for the admins of the environments that have them, and missing ones are said to be missing', async () => {
    const url = await serve();
    const asks =
      ({ CAPTURES_TOKEN }: { CAPTURES_TOKEN: string }) =>
      async (
        method: string,
        path: string,
        said?: object,
      ): Promise<{ status: number; body: object }> => {
        const response = await fetch(`${url}/api/environments${path}`, {
          method,
          headers: {
            authorization: `Bearer ${CAPTURES_TOKEN}`,
            'content-type': 'application/json',
          },
          ...(said === undefined ? {} : { body: JSON.stringify(said) }),
        });
        return { status: response.status, body: (await response.json()) as object };
      };
    const pat = asks(addUser(place.home, 'pat', { isAdmin: true }));
    const eve = asks(addUser(place.home, 'eve'));
    // Nobody listens there.
    const server = { url: 'mysql://recorder@127.0.0.1:1', passwordFrom: `file:${folder}/shop` };
    const early = await eve('POST', '', { name: 'early', ...server });
    expect(await pat('POST', '', { name: 'shop', ...server })).toMatchObject({ status: 200 });
    const clone = await eve('POST', '', { name: 'clone', ...server });
    expect(early).toEqual(clone);
    const forbidden = { ...server, passwordFrom: 'file:/etc/shadow' };
    expect(clone).toMatchObject({ status: 400, body: { code: expect.anything() as string } });
    expect(clone).toEqual(await eve('POST', '', { name: 'clone', ...forbidden }));
    expect(await pat('PUT', '/shop', { url: 'mysql://recorder@192.0.2.1' })).toMatchObject({
      status: 400,
      body: {
        message:
          'The password of shop is only for mysql://recorder@127.0.0.1:1 (PREFERRED), as it was described',
      },
    });

    const missing = { ...server, passwordFrom: `file:${folder}/missing` };
    await pat('POST', '', { name: 'late', ...missing });
    expect(await pat('GET', '/late/check')).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(`${folder}/missing is not there`) as string },
    });
  });
});
