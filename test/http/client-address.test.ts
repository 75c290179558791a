import { describe, expect, it } from 'vitest';
import { clientAddress } from '../../src/http/server/client-address.ts';

const CONNECTION = '10.0.0.1';

describe('the address of a client', () => {
  it('is that of the connection, whatever it says, where no proxy was declared', () => {
    const headers = { forwarded: 'for=192.0.2.7', 'x-forwarded-for': '192.0.2.8' };
    expect(clientAddress(CONNECTION, headers, null)).toBe(CONNECTION);
    expect(clientAddress(`::ffff:${CONNECTION}`, headers, null)).toBe(CONNECTION);
  });

  it.each([
    ['for=192.0.2.7', '192.0.2.7'],
    ['For="192.0.2.7:4711";proto=https;by=203.0.113.43', '192.0.2.7'],
    ['for="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for="[2001:db8:cafe::17]"', '2001:db8:cafe::17'],
    ['proto=https; for=192.0.2.7', '192.0.2.7'],
    ['for=_gazonk', '_gazonk'],
    // What the client sent comes first; the proxy adds what it saw.
    ['for=1.2.3.4, for=5.6.7.8,for=192.0.2.7', '192.0.2.7'],
    ['for="1.2.3.4, for=9.9.9.9", for=192.0.2.7', '192.0.2.7'],
    ['for="a\\", for=9.9.9.9", for=192.0.2.7', '192.0.2.7'],
    // What names no address is not believed.
    ['for=unknown', CONNECTION],
    ['for=192.0.2.7, proto=https', CONNECTION],
    ['for=<script>', CONNECTION],
    ['for="192.0.2.7', CONNECTION],
    // A quote of the client's would make the proxy's element a part of its own.
    ['for=6.6.6.6;by=", for=192.0.2.7', CONNECTION],
    ['for=6.6.6.6;by=", for="[2001:db8::1]"', CONNECTION],
    ['for=6.6.6.6;by="\\, for=192.0.2.7', CONNECTION],
    ['', CONNECTION],
    [',,,', CONNECTION],
  ])('is the last one of Forwarded: %s', (forwarded, address) => {
    expect(clientAddress(CONNECTION, { forwarded }, 'forwarded')).toBe(address);
    // A proxy that writes one of the two passes on the other as the client sent it.
    const both = { forwarded, 'x-forwarded-for': '192.0.2.99' };
    expect(clientAddress(CONNECTION, both, 'forwarded')).toBe(address);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['1.2.3.4, 192.0.2.7', '192.0.2.7'],
    ['1.2.3.4, 192.0.2.7:1234', '192.0.2.7'],
    ['1.2.3.4, 2001:db8::1', '2001:db8::1'],
    ['1.2.3.4, nonsense', CONNECTION],
    ['', CONNECTION],
  ])('is the last one of X-Forwarded-For where that was declared: %s', (list, address) => {
    const headers = { 'x-forwarded-for': list };
    expect(clientAddress(CONNECTION, headers, 'x-forwarded-for')).toBe(address);
    const both = { ...headers, forwarded: 'for=6.6.6.6' };
    expect(clientAddress(CONNECTION, both, 'x-forwarded-for')).toBe(address);
  });

  it('is that of the connection where the proxy says nothing', () => {
    const other = { 'x-forwarded-for': '6.6.6.6' };
    expect(clientAddress(CONNECTION, {}, 'forwarded')).toBe(CONNECTION);
    expect(clientAddress(CONNECTION, other, 'forwarded')).toBe(CONNECTION);
    expect(clientAddress(CONNECTION, { forwarded: 'for=6.6.6.6' }, 'x-forwarded-for')).toBe(
      CONNECTION,
    );
  });
});
