import type * as z from 'zod/mini';

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

/**
 * Says in one sentence what is wrong with a request.
 * @param value what was sent.
 * @param where the part of the request that it is.
 */
export function whyInvalid(issue: Issue | undefined, value: unknown, where: string): string {
  if (issue === undefined) return `The ${where} is not valid`;
  const path = issue.path;
  const field = path.filter((step) => typeof step !== 'number').join('.');
  const subject = field === '' ? `The ${where}` : `"${field}" in the ${where}`;
  const found = valueAt(value, path.slice(0, 1));
  if (where === 'query' && Array.isArray(found)) return `${subject} is there more than once`;
  return `${subject} ${predicateOf(issue, valueAt(value, path))}`;
}

function predicateOf(issue: Issue, found: unknown): string {
  if (issue.code === 'custom') return issue.message;
  if (found === undefined) return 'is missing';
  const { code } = issue;
  if (code === 'invalid_type') return `must be ${KINDS[issue.expected] ?? issue.expected}`;
  if (code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (code === 'too_big' && Array.isArray(found)) {
    return `must have at most ${String(issue.maximum)} elements`;
  }
  if (code === 'too_small') return `must be at least ${String(issue.minimum)}`;
  if (code === 'too_big') return `must be at most ${String(issue.maximum)}`;
  return code === 'invalid_format' ? issue.message : 'is not as it must be';
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) at = (at as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return at;
}
