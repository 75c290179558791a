import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';

/**
 * The address of a client.
 *
 * Behind a proxy it is what the proxy says: the last element of `Forwarded` (RFC 7239), or of `X-Forwarded-For`
 * where there is no `Forwarded`. Only the last one was written by the proxy that is connected to us; everything
 * before it is what the client sent, who can write anything there. Where the last element names no address
 * (`for=unknown`, none at all) it is that of the connection. Without a declared proxy the headers mean nothing.
 * @param connection the address at the other end of the connection.
 */
export function clientAddress(
  connection: string,
  headers: IncomingHttpHeaders,
  isBehindProxy: boolean,
): string {
  const own = plainAddress(connection) ?? connection;
  if (!isBehindProxy) return own;
  const { forwarded } = headers;
  if (forwarded !== undefined) return addressOf(lastFor(forwarded)) ?? own;
  const list = headers['x-forwarded-for'];
  if (list === undefined) return own;
  return addressOf(String(list).split(',').at(-1) ?? '') ?? own;
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
  return [...parts, part];
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
