/** Whether a name is one of those asked for; null is a name that is not known. */
export type NameFilter = (name: string | null) => boolean;

type CaseRule = 'by case' | 'ignoring case';

/**
 * A filter by names with the wildcards `*` and `?`. What an exclude pattern matches is out, whatever
 * the includes say; without includes everything else is in. An unknown name matches no pattern.
 */
export function nameFilter(
  include: readonly string[],
  exclude: readonly string[],
  rule: CaseRule,
): NameFilter {
  const folded = (text: string): string => (rule === 'by case' ? text : text.toLowerCase());
  const included = include.map(folded);
  const excluded = exclude.map(folded);
  return (given) => {
    const name = given === null ? null : folded(given);
    const matches = (pattern: string): boolean => name !== null && matchesPattern(pattern, name);
    return (included.length === 0 || included.some(matches)) && !excluded.some(matches);
  };
}

/**
 * Whether the whole name matches: `*` stands for any characters or none, `?` for one. Takes pattern
 * times name at most; a regular expression takes for ever for `*a*a*a*a*a*a*b`, in a daemon that
 * others share.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const wanted = Array.from(pattern);
  const given = Array.from(name);
  let at = 0;
  let star = -1;
  let starAt = 0;
  let i = 0;
  while (i < given.length) {
    const character = wanted[at];
    if (character === '*') {
      star = at++;
      starAt = i;
    } else if (character === '?' || character === given[i]) {
      at++;
      i++;
    } else if (star >= 0) {
      // The last star takes one more.
      at = star + 1;
      i = ++starAt;
    } else {
      return false;
    }
  }
  return wanted.slice(at).every((character) => character === '*');
}
