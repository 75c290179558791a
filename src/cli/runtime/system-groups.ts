import { readFileSync } from 'node:fs';
import { AppError } from '../../core/errors.ts';

/**
 * The id of a system group, by name or by id. Node cannot ask the system for groups, so only those
 * in /etc/group have names here; any other can be given by id.
 */
export function findGroup(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  for (const line of groupLines()) {
    const [name, , id] = line.split(':');
    if (name === group && id !== undefined) return Number(id);
  }
  throw new AppError('invalid', `There is no group "${group}" in /etc/group`, {
    hint: 'For a group from a directory service give its id: id -g, or getent group NAME.',
  });
}

function groupLines(): string[] {
  try {
    return readFileSync('/etc/group', 'utf8').split('\n');
  } catch {
    return [];
  }
}
