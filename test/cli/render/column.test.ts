import { expect, it } from 'vitest';
import { placeText } from '../../../src/cli/render/column.ts';

it('a folder of a server is shown with the server that it is on', () => {
  expect(placeText('/var/captures/7', {})).toBe('/var/captures/7');
  expect(placeText('/var/captures/7', { server: 'db.example.com' })).toBe(
    '/var/captures/7 (on db.example.com)',
  );
});
