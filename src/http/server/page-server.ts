import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { networkOf } from '../../core/users/address-gate.ts';
import { writeFailure } from './answer-writer.ts';
import type { Exchange } from './exchange.ts';
import type { StrangerLimit } from './rate-limit.ts';

/** What is built for the page at `/`. */
export interface ApiPageParts {
  readonly script: string;
  readonly style: string;
}

/**
 * Answers requests for the page; `null` where a request is for something else.
 * @param strangers among whose requests those for the page count. Absent: without a limit.
 */
export type PageServer = (exchange: Exchange, strangers?: StrangerLimit) => Promise<void> | null;

/**
 * Serves the page for those who would rather look than type: one file, which runs the one script that is in
 * it, by its hash, and asks nothing but this server. It needs no login: there is nothing in it but the program.
 */
export function createPageServer(parts: ApiPageParts): PageServer {
  const html = Buffer.from(pageOf(parts));
  const packed = gzipSync(html, { level: 9 });
  const tag = createHash('sha256').update(html).digest('base64url');
  const common = {
    'content-security-policy': policyOf(parts),
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
    // Kept, and asked for each time whether it is still the one: a new version of the server has a new page.
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
  };
  return ({ method, url, headers, address, answer }, strangers) => {
    const [path] = url.split('?', 1);
    if (path !== '/' || (method !== 'GET' && method !== 'HEAD')) return null;
    const isPacked = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(
      headers['accept-encoding'] ?? '',
    );
    const body = isPacked ? packed : html;
    const etag = `"${tag}${isPacked ? '-gzip' : ''}"`;
    return (async () => {
      try {
        strangers?.take(networkOf(address));
      } catch (refusal) {
        return writeFailure(answer, refusal, false);
      }
      if (headers['if-none-match']?.split(/\s*,\s*/).includes(etag) === true) {
        answer.start(304, { ...common, etag });
        return answer.end();
      }
      answer.start(200, {
        ...common,
        etag,
        'content-type': 'text/html; charset=utf-8',
        'content-length': String(body.length),
        ...(isPacked ? { 'content-encoding': 'gzip' } : {}),
      });
      if (method === 'GET') await answer.write(body);
      return answer.end();
    })();
  };
}

function policyOf({ script, style }: ApiPageParts): string {
  return [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

function pageOf({ script, style }: ApiPageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="captures-api">
<link rel="icon" href="data:,">
<title>captures</title>
<style>${style}</style>
</head>
<body>
<noscript><p>This page needs JavaScript. The command line and the API do not.</p></noscript>
<script>${script}</script>
</body>
</html>
`;
}
