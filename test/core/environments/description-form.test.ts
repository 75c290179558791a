import { beforeEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../../src/core/access.ts';
import {
  EnvironmentService,
  type EnvironmentRequest,
} from '../../../src/core/environments/environment-service.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { outsideOf, TestStore } from '../../support/stores.ts';

let ada: Actor;
let environments: EnvironmentService;

beforeEach(() => {
  const test = new TestStore(new ManualClock());
  ada = test.user('ada');
  environments = new EnvironmentService(outsideOf(test.store, test.clock));
});

describe('what is said of an environment', () => {
  const url = 'mysql://recorder@db1';

  it.each([
    { region: 'evil.example.com/' },
    { region: '' },
    { instance: '../x' },
    { profile: 'a\nb' },
    { profile: ' ' },
    { endpointUrl: 'localhost' },
    { endpointUrl: 'file:///etc/passwd' },
    { server: { url, sslMode: 'NONE' } },
  ] as object[])('has the form of it, whoever asks: %o', async (said) => {
    const [field] = Object.keys(said);
    const request = { name: 'shop', ...said } as EnvironmentRequest;
    const refusal = { code: 'invalid', message: expect.stringMatching(/ takes /) as string };
    await expect(environments.create(ada, request)).rejects.toMatchObject(refusal);
    await environments.create(ada, { name: 'shop', server: { url } });
    await expect(environments.edit(ada, 'shop', said)).rejects.toMatchObject(refusal);
    expect(await environments.get(ada, 'shop')).toMatchObject(
      field === 'server' ? { server: { sslMode: 'PREFERRED' } } : { [field ?? '']: null },
    );
  });
});
