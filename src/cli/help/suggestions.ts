import { nearNames } from '../../core/near-names.ts';

/** Other programs' words for our commands; the first one that exists is suggested. */
const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  ls: ['list'],
  ps: ['list'],
  all: ['list'],
  find: ['list'],
  rm: ['delete', 'remove', 'revoke'],
  del: ['delete', 'remove', 'revoke'],
  remove: ['delete', 'revoke'],
  delete: ['remove', 'revoke'],
  destroy: ['delete'],
  drop: ['delete'],
  cancel: ['delete', 'pause'],
  show: ['get'],
  info: ['get'],
  describe: ['get'],
  inspect: ['get'],
  view: ['get'],
  start: ['create', 'resume'],
  new: ['create'],
  record: ['create'],
  capture: ['create'],
  run: ['create'],
  make: ['create'],
  add: ['create'],
  create: ['add'],
  end: ['stop'],
  kill: ['stop'],
  finish: ['stop'],
  abort: ['stop'],
  rename: ['edit'],
  update: ['edit', 'set'],
  move: ['edit'],
  change: ['edit', 'set'],
  dump: ['workload'],
  statements: ['workload'],
  queries: ['workload'],
  sql: ['workload'],
  export: ['workload'],
  chart: ['metrics'],
  charts: ['metrics'],
  graph: ['metrics'],
  stats: ['metrics'],
  validate: ['verify', 'check'],
  test: ['verify', 'check'],
  history: ['log'],
  audit: ['log'],
  clean: ['prune'],
  cleanup: ['prune'],
  purge: ['prune'],
  restore: ['recover'],
  repair: ['recover'],
  diagnose: ['doctor'],
  server: ['env', 'daemon'],
  environment: ['env'],
  environments: ['env'],
  servers: ['env'],
  setup: ['init'],
  signin: ['login'],
  signout: ['logout'],
  me: ['whoami'],
  cron: ['schedule'],
  password: ['passwd'],
};

/** Words that are not commands here, and the command lines to use instead. */
const COMMAND_LINES: Readonly<Record<string, string>> = {
  status: 'captures list, captures get CAPTURE or captures daemon --status',
  top: 'captures list --watch',
  watch: 'captures list --watch',
  version: 'captures --version',
  plan: 'captures create NAME --plan',
};

/**
 * Suggests names for an unknown word: a synonym, the beginning of a name, or a typing error. No suggestion
 * is better than a wrong one: `top` does not suggest `stop`.
 */
export function suggestionsFor(word: string, names: readonly string[]): string[] {
  const typed = word.toLowerCase();
  const meant = synonymsOf(typed).find((name) => names.includes(name));
  if (meant !== undefined) return [meant];
  const longer = typed.length < 2 ? [] : names.filter((name) => name.startsWith(typed));
  if (longer.length > 0) return longer.slice(0, 3);
  return nearNames(typed, names);
}

/** The command line to use instead of a word; null if there is none. */
export function commandLineFor(word: string): string | null {
  const typed = word.toLowerCase();
  return Object.hasOwn(COMMAND_LINES, typed) ? (COMMAND_LINES[typed] ?? null) : null;
}

function synonymsOf(word: string): readonly string[] {
  return Object.hasOwn(SYNONYMS, word) ? (SYNONYMS[word] ?? []) : [];
}
