import { AppError } from '../errors.ts';

export type PasswordReference =
  | { readonly from: 'env'; readonly name: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'cnf'; readonly path: string; readonly group: string };

/**
 * Reads `env:NAME`, `file:PATH` or `cnf:PATH#GROUP` (an option file of the server's own
 * tools; the group is `client` when none is named).
 * @throws AppError `invalid`. The text is never echoed: users type the password itself here.
 */
export function parsePasswordReference(reference: string): PasswordReference {
  const hint =
    'The forms are env:NAME, file:PATH and cnf:PATH#GROUP; the password itself is never stored.';
  const colon = reference.indexOf(':');
  const scheme = reference.slice(0, Math.max(colon, 0));
  const rest = reference.slice(colon + 1);
  if (scheme === 'env') {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(rest)) {
      throw new AppError('invalid', 'The password reference names no environment variable', {
        hint,
      });
    }
    return { from: 'env', name: rest };
  }
  if (scheme === 'file' && rest !== '') return { from: 'file', path: rest };
  if (scheme === 'cnf' && rest !== '') {
    const hash = rest.lastIndexOf('#');
    const path = hash === -1 ? rest : rest.slice(0, hash);
    const group = hash === -1 ? 'client' : rest.slice(hash + 1);
    if (path !== '' && group !== '') return { from: 'cnf', path, group };
  }
  throw new AppError('invalid', 'The password reference cannot be read', { hint });
}
