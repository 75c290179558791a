import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/** The headers in which a proxy may say who the client is, each in its own form. */
export type ProxyHeader = 'forwarded' | 'x-forwarded-for';

/**
 * The address of a client.
 *
 * Behind a proxy it is what the proxy says in the header that it was declared to say it in: `Forwarded` (RFC 7239)
 * or `X-Forwarded-For`. The other one is not looked at: a proxy passes on what it does not know, as the client sent
 * it. Of the list in it only the last element was written by the proxy that is connected to us; everything before
 * it is what the client sent. Where the last element names no address (`for=unknown`, none at all), or a quote that
 * the client opened goes on into it, it is that of the connection.
 * @param connection the address at the other end of the connection.
 * @param proxyHeader null without a declared proxy: then no header means anything.
 */
export function clientAddress(
  connection: string,
  headers: IncomingHttpHeaders,
  proxyHeader: ProxyHeader | null,
): string {
  const own = plainAddress(connection) ?? connection;
  if (proxyHeader === null) return own;
  const said = String(headers[proxyHeader] ?? '');
  const last = proxyHeader === 'forwarded' ? lastFor(said) : (said.split(',').at(-1) ?? '');
  return addressOf(last) ?? own;
}

/** The value of `for` in the last element; empty where it has none. */
function lastFor(forwarded: string): string {
  let found = '';
  // An element after the other, a pair after the other; a comma or a semicolon in quotes separates nothing.
  for (const element of split(forwarded, ',')) {
    found = '';
    for (const pair of split(element, ';')) {
      const [, name = '', value = ''] = /^\s*([^=\s]+)=(.*?)\s*$/.exec(pair) ?? [];
      if (name.toLowerCase() === 'for') found = unquoted(value);
    }
  }
  return found;
}

function split(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === separator && !isQuoted) {
      parts.push(part);
      part = '';
      continue;
    }
    part += char;
    if (char === '"') isQuoted = !isQuoted;
    if (char === '\\' && isQuoted) part += text.charAt(++at);
  }
  return isQuoted ? [] : [...parts, part];
}

function unquoted(value: string): string {
  if (!/^".*"$/.test(value)) return value;
  return value.slice(1, -1).replaceAll(/\\(.)/g, '$1');
}

/** `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]:4711`, `_hidden`; null for what is none of them. */
function addressOf(node: string): string | null {
  const text = node.trim();
  const [, inBrackets] = /^\[([^\]]+)\](?::\w+)?$/.exec(text) ?? [];
  if (inBrackets !== undefined) return plainAddress(inBrackets);
  if (/^_[\w.-]{1,63}$/.test(text)) return text;
  return plainAddress(text) ?? plainAddress(text.replace(/:\w+$/, ''));
}

/** An IPv4 address that came over an IPv6 socket is the IPv4 address. */
function plainAddress(text: string): string | null {
  const address = text.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? null : address;
}
