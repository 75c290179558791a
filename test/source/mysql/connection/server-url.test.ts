import { describe, expect, it } from 'vitest';
import { formatServerUrl } from '../../../../src/core/environments/environment.ts';
import { AppError } from '../../../../src/core/errors.ts';
import { parseServerUrl } from '../../../../src/source/mysql/connection/server-url.ts';
import { SERVER } from '../../../support/stores.ts';

describe('the URL of a server', () => {
  it.each([
    [
      'mysql://bob@db.example.com',
      { user: 'bob', host: 'db.example.com', port: 3306, socket: null, database: null },
    ],
    [
      'mysql://b%40b@[::1]:3307/shop',
      { user: 'b@b', host: '::1', port: 3307, socket: null, database: 'shop' },
    ],
    [
      'mysql://root@localhost?socket=/run/my.sock',
      { user: 'root', host: 'localhost', port: 3306, socket: '/run/my.sock', database: null },
    ],
  ])('%s', (url, address) => {
    expect(parseServerUrl(url)).toEqual({ engine: 'mysql', ...address });
    expect(parseServerUrl(formatServerUrl({ ...SERVER, ...address }))).toEqual({
      engine: 'mysql',
      ...address,
    });
  });

  it('with a password is refused with the way to do it right, and the password is not shown', () => {
    try {
      parseServerUrl('mysql://bob:s3cret@db');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'invalid',
        hint: { code: 'password_by_reference' },
      });
      expect(JSON.stringify([(error as AppError).message, (error as AppError).hint])).not.toContain(
        's3cret',
      );
    }
  });

  it.each([
    'postgres://bob@db',
    'mysql://db',
    'mysql://bob@',
    'bob@db',
    'mysql://bob@db/a/b',
    'mysql://bob@db?ssl=1',
    'mysql://bob@db?socket=x',
    'mysql://bob@db:99999',
    '',
  ])('%s is refused', (url) => {
    expect(() => parseServerUrl(url)).toThrow(AppError);
  });
});
