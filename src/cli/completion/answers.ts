import { VERBS, type Verb } from '../commands/verbs.ts';
import type { Offer } from '../input/choices.ts';
import { quoteForBash, readShellLine, type ShellLine } from './shell-line.ts';
import { areStored, storedNames, type Candidate } from './stored-names.ts';
import { questionOf, type Question } from './question.ts';
import { Context, openContext } from '../runtime/context.ts';
import { KnownServers, LOCAL } from '../runtime/known-servers.ts';
import { findPaths } from '../runtime/paths.ts';
import { readGlobalOptions } from '../input/global-options.ts';
import { escapeText } from '../../display/escape.ts';
import type { World } from '../runtime/world.ts';

/**
 * What the shell does with the answer: `words` are complete; after `open` ones no space follows; for `files`
 * and `programs` it offers its own.
 */
type Manner = 'words' | 'open' | 'files' | 'programs';

interface Answer {
  readonly manner: Manner;
  readonly candidates: readonly Candidate[];
}

const NO_ANSWER: Answer = { manner: 'words', candidates: [] };
const FILES: Answer = { manner: 'files', candidates: [] };
/** Placeholders of a capture or a file. */
const OR_FILES = ['a', 'b'];

/**
 * Answers the scripts of `captures completion`:
 *
 *     captures __complete bash COMP_WORDBREAKS LINE
 *     captures __complete zsh|fish WORD…
 *
 * The line ends at the cursor; of the words, the program's name left out, the last is being typed.
 * Prints the manner on the first line, then a candidate a line: for bash as it goes into the line,
 * quoted, from where bash replaces; else `value<TAB>description`, which those shells quote themselves.
 * Changes nothing; if it fails, it prints no candidates and exits 0.
 */
export async function complete(argv: readonly string[], world: World): Promise<number> {
  const lines = await answerLines(argv, world).catch(() => ['words']);
  // It is no failure if the shell no longer reads the answer.
  await world.stdout.write(`${lines.join('\n')}\n`).catch(() => undefined);
  return 0;
}

async function answerLines(argv: readonly string[], world: World): Promise<string[]> {
  const [shell, ...rest] = argv;
  const line = typedLine(shell, rest);
  const { manner, candidates } = line.isRedirection ? FILES : await answerTo(line.words, world);
  const lines = candidates.flatMap(({ value, description }) => {
    if (shell !== 'bash') return [`${value}\t${escapeText(description)}`];
    if (!value.startsWith(line.kept)) return [];
    return [quoteForBash(value.slice(line.kept.length), line.quote)];
  });
  return [manner, ...lines];
}

/** Without the program's name. */
function typedLine(shell: string | undefined, rest: readonly string[]): ShellLine {
  if (shell === 'bash') {
    const line = readShellLine(rest[1] ?? '', rest[0] ?? '');
    return { ...line, words: line.words.slice(1) };
  }
  const last = rest.at(-1) ?? '';
  // fish hands on the word at the cursor with its quotes.
  const word = shell === 'fish' ? (readShellLine(last, '').words.at(-1) ?? '') : last;
  return { words: [...rest.slice(0, -1), word], quote: '', kept: '', isRedirection: false };
}

async function answerTo(words: readonly string[], world: World): Promise<Answer> {
  const question = await questionOf(words);
  const { lead, typed } = question;
  const { manner, candidates } = await answer(question, world);
  const unsaid = candidates.filter(({ value }) => !question.operands.includes(value));
  return {
    manner,
    candidates: beginningWith(typed, unsaid).map((candidate) => ({
      ...candidate,
      value: `${lead}${candidate.value}`,
    })),
  };
}

/** Candidates in the case that was typed; if there are none, in any case: `--status run`. */
function beginningWith(typed: string, candidates: readonly Candidate[]): readonly Candidate[] {
  const same = candidates.filter(({ value }) => value.startsWith(typed));
  if (same.length > 0) return same;
  const key = typed.toLowerCase();
  return candidates.filter(({ value }) => value.toLowerCase().startsWith(key));
}

async function answer(question: Question, world: World): Promise<Answer> {
  const { wanted, typed } = question;
  switch (wanted.of) {
    case 'verbs':
      return words(verbCandidates(wanted.verbs));
    case 'options':
      return words(
        wanted.options.flatMap(({ short, long, description }) =>
          [short, long]
            .filter((flag) => flag?.startsWith('--') === true)
            .map((flag) => ({ value: flag ?? '', description })),
        ),
      );
    case 'choices':
      return chosen(wanted.offer, typed);
    case 'names':
      return named(wanted.placeholder, question, world);
    case 'program':
      return { manner: wanted.isFirst ? 'programs' : 'files', candidates: [] };
    case 'nothing':
      return NO_ANSWER;
  }
}

function words(candidates: readonly Candidate[]): Answer {
  return { manner: 'words', candidates };
}

function verbCandidates(verbs: readonly Verb[]): Candidate[] {
  return verbs.map(({ name, summary }) => ({ value: name, description: summary }));
}

function chosen({ choices, isList, isBeginning }: Offer, typed: string): Answer {
  if (isBeginning) {
    if (/^(file|cnf):/.test(typed)) return FILES;
    return { manner: 'open', candidates: choices.map(plain) };
  }
  if (!isList) return words(choices.map(plain));
  const said = typed.split(',').slice(0, -1);
  const rest = choices.filter((choice) => !said.includes(choice));
  return words(rest.map((choice) => plain([...said, choice].join(','))));
}

function plain(value: string): Candidate {
  return { value, description: '' };
}

async function named(placeholder: string, question: Question, world: World): Promise<Answer> {
  if (areStored(placeholder)) {
    const names = await namesInStore(placeholder, question, world);
    const isFile =
      OR_FILES.includes(placeholder) && beginningWith(question.typed, names).length === 0;
    return isFile ? FILES : words(names);
  }
  switch (placeholder) {
    case 'server':
      return words(serverNames(world));
    case 'file':
      return FILES;
    case 'zone':
      return words(['UTC', ...Intl.supportedValuesOf('timeZone')].map(plain));
    case 'metric':
      return words(await metricCandidates(world));
    case 'words':
      return words(await helpCandidates(question.operands));
    default:
      return NO_ANSWER;
  }
}

function serverNames(world: World): Candidate[] {
  try {
    const servers = new KnownServers(findPaths(world)).list();
    return [
      ...servers.map(({ name, url }) => ({ value: name, description: url })),
      { value: LOCAL, description: 'the store of this machine' },
    ];
  } catch {
    return [];
  }
}

async function namesInStore(
  placeholder: string,
  question: Question,
  world: World,
): Promise<Candidate[]> {
  let context: Context | null = null;
  try {
    context = await openContext(world, readGlobalOptions({}, {}), []);
    return await storedNames(context, placeholder, question);
  } catch {
    // Without a store or a login there are no names.
    return [];
  } finally {
    context?.close();
  }
}

async function metricCandidates(world: World): Promise<Candidate[]> {
  const context = new Context(world, readGlobalOptions({}, {}), []);
  const [{ provider, counters }, { WORKLOAD_METRICS }] = await Promise.all([
    context.wiring.metricSources(),
    import('../../core/metrics/workload-metrics.ts'),
  ]);
  return [...provider.metrics, ...counters.metrics, ...WORKLOAD_METRICS].map(({ label, type }) => ({
    value: label,
    description: type,
  }));
}

async function helpCandidates([first, ...more]: readonly string[]): Promise<Candidate[]> {
  if (first !== undefined) {
    const verb = VERBS.find(({ name }) => name === first);
    return verb !== undefined && 'verbs' in verb && more.length === 0
      ? verbCandidates(verb.verbs)
      : [];
  }
  const { HELP_TOPIC_NAMES } = await import('../help/topic-names.ts');
  const topics = HELP_TOPIC_NAMES.map((value) => ({ value, description: 'topic' }));
  return [...verbCandidates(VERBS), ...topics];
}
