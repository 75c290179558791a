import * as z from 'zod/mini';
import type { Input, Route } from '../contract/route.ts';

type Query = string | readonly string[] | undefined;

/** The path of a request with its query, as it is sent. */
export function pathOf(
  route: Route,
  asked: Partial<Pick<Input<unknown, unknown, unknown>, 'params' | 'query'>>,
): string {
  const params = z.encode(route.params, asked.params ?? {}) as Record<string, string>;
  const query = z.encode(route.query, asked.query ?? {}) as Record<string, Query>;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    // Nothing is called so, and a path has no place for an empty word.
    encodeURIComponent(params[name] || ' '),
  );
  const entries = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one): [string, string] => [name, one]),
  );
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries).toString()}`;
}
