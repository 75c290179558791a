import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALL_CAPTURES } from '../../src/core/captures/capture-list.ts';
import { resultOf } from '../../src/core/progress.ts';
import { UserService } from '../../src/core/users/user-service.ts';
import { serveStore, type TestServer } from '../support/api-server.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { TestStore } from '../support/stores.ts';

const test = new TestStore(new ManualClock());
let server: TestServer;

beforeAll(async () => {
  server = await serveStore(test.store, test.clock);
});
afterAll(() => server.close());

async function token(actor: ReturnType<TestStore['user']>): Promise<string> {
  const { secret } = await new UserService(test.store, test.clock).createToken(actor, 'script');
  return secret;
}

describe('use cases over HTTP', () => {
  it('return what they return in the same process', async () => {
    const ada = test.user('ada');
    const shop = test.environment({ admin: [ada] });
    test.capture(ada, shop);
    const { name } = test.capture(ada, shop);
    const remote = server.client();
    const who = await remote.users.authenticate(await token(ada));
    expect(who).toMatchObject(ada);

    const list = await remote.captures.list(who, ALL_CAPTURES);
    expect(list).toEqual(await server.local.captures.list(ada, ALL_CAPTURES));
    expect(list).toHaveLength(2);
    const walked = [];
    for await (const one of remote.captures.walk(who, ALL_CAPTURES)) walked.push(one);
    expect(walked).toEqual(list);

    const { signal } = new AbortController();
    const options = { reason: null, waits: true };
    const stopped = await resultOf(remote.captures.stop(who, name, options, signal));
    expect(stopped).toEqual(await server.local.captures.get(ada, name));
    await expect(resultOf(remote.captures.stop(who, name, options, signal))).rejects.toMatchObject({
      code: 'conflict',
      message: 'This capture has already been stopped',
    });
    await expect(remote.captures.get(who, 'none')).rejects.toMatchObject({
      code: 'not_found',
      message: 'Capture not found',
      hint: { code: 'list_captures', near: [] },
    });
  });
});
