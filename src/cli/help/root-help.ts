import { wrapHelp } from './help-text.ts';
import { HELP_TOPIC_NAMES } from './topic-names.ts';
import { columnsOf } from '../output/terminal-width.ts';
import type { World } from '../runtime/world.ts';
import { COMMAND_GROUPS, type Verb } from '../commands/verbs.ts';

export const DESCRIPTION =
  'Record every statement a MySQL or MariaDB server receives, as named captures.';
export const VERSION_OPTION = ['-V, --version', 'print the version'] as const;
export const HELP_OPTION = ['-h, --help', 'show help'] as const;

/** A few words for each command: two share a line. */
const BRIEFS: Readonly<Record<string, string>> = {
  create: 'start or schedule one',
  list: 'list them',
  get: 'show one',
  stop: 'stop a running one',
  edit: 'rename it, move its times',
  delete: 'delete them',
  schedule: 'recurring captures',
  prune: 'delete old ones',
  report: 'what hit the server',
  replay: 'send it to another server',
  diff: 'what another has changed',
  workload: 'print or search it',
  metrics: 'what the server did',
  verify: 'is the record complete?',
  log: 'who changed what, and when',
  export: 'write it to a file',
  import: 'read such a file',
  init: 'create the store, once',
  env: 'the servers to capture',
  member: 'who may use a server',
  user: 'users and passwords',
  token: 'tokens for scripts',
  login: 'log in',
  logout: 'end this session',
  whoami: 'show who is logged in',
  server: 'servers of captures to use',
  daemon: 'record, keep the schedule',
  doctor: 'check what a capture needs',
  recover: 'restore servers by hand',
  completion: 'TAB for bash, zsh, fish',
};

const TWO_COLUMNS = 80;
const NAME_WIDTH = 11;

/** The help of the program itself: fits 24 lines of 80 columns with the prompt below it. */
export function rootHelp(world: Pick<World, 'stdout' | 'env'>): string {
  const width = columnsOf(world.stdout, world.env);
  const lines = Object.entries(COMMAND_GROUPS).flatMap(([heading, verbs]) => [
    `${heading}:`,
    ...commandLines(verbs, width),
  ]);
  const text = [
    'Usage: captures COMMAND [options]',
    DESCRIPTION,
    ...lines,
    'Help for one: captures help COMMAND. Options of all: captures help options.',
    `Topics: ${HELP_TOPIC_NAMES.filter((name) => name !== 'options').join(' ')}`,
    '',
  ].join('\n');
  return wrapHelp(text, width);
}

function commandLines(verbs: readonly Verb[], width: number): string[] {
  const cells = verbs.map(({ name }) => `  ${name.padEnd(NAME_WIDTH)}${BRIEFS[name] ?? ''}`);
  if (width < TWO_COLUMNS) return cells;
  const rows = Math.ceil(cells.length / 2);
  return cells.slice(0, rows).map((cell, row) => {
    const beside = cells[rows + row];
    return beside === undefined ? cell : cell.padEnd(TWO_COLUMNS / 2) + beside.slice(1);
  });
}
