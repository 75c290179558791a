import { Command, Option } from 'commander';
import { HELP_OPTION, VERSION_OPTION } from '../help/root-help.ts';
import { offerOf, type Offer } from '../input/choices.ts';
import { registerGlobalOptions } from '../input/global-options.ts';
import { VERBS, type Verb } from '../commands/verbs.ts';

/** What may stand where the cursor is. */
type Wanted =
  | { readonly of: 'verbs'; readonly verbs: readonly Verb[] }
  | { readonly of: 'options'; readonly options: readonly Option[] }
  | { readonly of: 'choices'; readonly offer: Offer }
  /** A name of something, by the placeholder that the help shows: `environment`, `capture`, `file`. */
  | { readonly of: 'names'; readonly placeholder: string }
  /** A program, or an argument of it, behind `--`. */
  | { readonly of: 'program'; readonly isFirst: boolean }
  | { readonly of: 'nothing' };

/** What the typed words ask for. */
export interface Question {
  readonly wanted: Wanted;
  /** The command: `['env', 'get']`. */
  readonly path: readonly string[];
  readonly operands: readonly string[];
  /** The part of the last word before the value: `--env=`. */
  readonly lead: string;
  /** The part of the value that is typed. */
  readonly typed: string;
}

const NOTHING: Wanted = { of: 'nothing' };
/** Stands for the word at the cursor while commander reads the line: no word of a shell has a NUL. */
const CURSOR = '\0';

/**
 * Has commander read a command line by the declarations of the program itself, with a mark in the place of
 * the word at the cursor: where the mark ends up is what that word is. Only the module of the command that
 * the words name is loaded.
 * @param words without the program's name; the last is being typed.
 */
export async function questionOf(words: readonly string[]): Promise<Question> {
  const word = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const isBehindDashes = before.includes('--');
  const assigned = isBehindDashes ? null : /^(--[^=]+=)(.*)$/s.exec(word);
  const [, lead = '', typed = ''] = assigned ?? ['', '', word];

  const globals = new Command().option(...HELP_OPTION);
  registerGlobalOptions(globals);
  const root = read(globals.options, [...before, `${lead}${CURSOR}`]);
  const { verbs, path, command } = await commandOf(root.operands);
  if (path.length === 0) globals.option(...VERSION_OPTION);
  const own = read(command.options, root.unknown);

  const operands = [...root.operands.slice(path.length), ...own.operands, ...own.unknown].filter(
    (operand) => operand !== CURSOR && (isBehindDashes || !/^-./.test(operand)),
  );
  const ask = (wanted: Wanted): Question => ({ wanted, path, operands, lead, typed });
  const option = own.atCursor ?? root.atCursor;
  const isFlag = typed.startsWith('-') && lead === '';
  const mayEnd = option !== null && (option.variadic || option.optional);
  if (option !== null && !(mayEnd && isFlag)) return ask(wantedValue(option));
  if (isBehindDashes) {
    return ask(wantedBehind(command, operands.length, before.at(-1) === '--'));
  }
  if (lead !== '') return ask(NOTHING);
  if (isFlag) {
    const options = [...command.options, ...globals.options].filter(
      (one) => !one.hidden && (takesValue(one) || ![...own.given, ...root.given].includes(one)),
    );
    return ask({ of: 'options', options });
  }
  return ask(verbs === null ? wantedOperand(command, operands.length) : { of: 'verbs', verbs });
}

/** The command that the words name; `verbs` are those that may follow, if the words name a noun only. */
async function commandOf(
  words: readonly string[],
): Promise<{ verbs: readonly Verb[] | null; path: string[]; command: Command }> {
  const path: string[] = [];
  let verbs = VERBS;
  for (const word of words) {
    if (word === CURSOR) break;
    path.push(word);
    const verb = verbs.find(({ name }) => name === word);
    if (verb !== undefined && 'verbs' in verb) {
      verbs = verb.verbs;
      continue;
    }
    const command = new Command(word);
    if (verb !== undefined) (await verb.load()).command(command, () => Promise.resolve());
    return { verbs: null, path, command };
  }
  return { verbs, path, command: new Command() };
}

/** The words as commander reads them with these options; values are not checked. */
function read(
  options: readonly Option[],
  words: readonly string[],
): { operands: string[]; unknown: string[]; given: Option[]; atCursor: Option | null } {
  const reader = new Command().exitOverride().configureOutput({ outputError: () => undefined });
  for (const { flags } of options) reader.addOption(new Option(flags));
  const rest = reader.parseOptions([...words]);
  const given = options.filter(
    (option) => reader.getOptionValueSource(option.attributeName()) === 'cli',
  );
  const atCursor = given
    .filter(takesValue)
    .find((option) => [reader.getOptionValue(option.attributeName())].flat().includes(CURSOR));
  return { ...rest, given, atCursor: atCursor ?? null };
}

function wantedOperand({ registeredArguments }: Command, index: number): Wanted {
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
  return argument === undefined ? NOTHING : wantedOf(argument.parseArg, argument.name());
}

/**
 * Of our commands `create` alone takes a program, behind its name, which commander is told may be several
 * words; elsewhere operands go on behind `--`.
 */
function wantedBehind(command: Command, operands: number, isFirst: boolean): Wanted {
  const takesProgram = command.registeredArguments.some(
    (argument) => argument.variadic && argument.name() === 'name',
  );
  return takesProgram ? { of: 'program', isFirst } : wantedOperand(command, operands);
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function wantedValue(option: Option): Wanted {
  const placeholder = /[<[]([^\]>.]+)/.exec(option.flags)?.[1] ?? '';
  return wantedOf(option.parseArg, placeholder);
}

function wantedOf(parser: unknown, placeholder: string): Wanted {
  const offer = offerOf(parser);
  return offer === null ? { of: 'names', placeholder } : { of: 'choices', offer };
}
