import { Command, type Argument, type Option } from 'commander';
import { offerOf, type Offer } from '../input/choices.ts';
import { registerGlobalOptions } from '../input/global-options.ts';
import { HELP_OPTION, VERSION_OPTION } from '../help/root-help.ts';
import { VERBS, type Verb } from '../verbs.ts';

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
  /** Its operands so far. */
  readonly operands: readonly string[];
  /** What of the last word is no part of the value: `--env=`. */
  readonly lead: string;
  /** What of the value is typed. */
  readonly typed: string;
}

const NOTHING: Wanted = { of: 'nothing' };

/**
 * Follows the words of a command line through the same declarations that the program itself reads it
 * with. Only the module of the command that the words name is loaded.
 * @param words without the program's name; the last is being typed.
 */
export async function questionOf(words: readonly string[]): Promise<Question> {
  const walk = new Walk();
  for (const word of words.slice(0, -1)) await walk.take(word);
  return walk.question(words.at(-1) ?? '');
}

class Walk {
  readonly #path: string[] = [];
  readonly #operands: string[] = [];
  readonly #given = new Set<Option>();
  readonly #globals = new Command();
  #verbs: readonly Verb[] | null = VERBS;
  #command: Command | null = null;
  /** The option that the next word is a value of. */
  #pending: Option | null = null;
  /** How many words stand behind `--`; null before it. */
  #behindDashes: number | null = null;

  constructor() {
    registerGlobalOptions(this.#globals);
    this.#globals.option(...HELP_OPTION);
  }

  async take(word: string): Promise<void> {
    if (this.#behindDashes !== null) {
      this.#behindDashes += 1;
      this.#operands.push(word);
    } else if (this.#pending !== null && !(this.#pending.variadic && word.startsWith('-'))) {
      if (!this.#pending.variadic) this.#pending = null;
    } else if (word === '--') {
      this.#pending = null;
      this.#behindDashes = 0;
    } else if (word.startsWith('-') && word !== '-') {
      this.#takeOption(word);
    } else if (this.#verbs !== null) {
      await this.#enter(word);
    } else {
      this.#operands.push(word);
    }
  }

  question(word: string): Question {
    const assigned = /^(--[^=]+=)(.*)$/s.exec(word);
    const whole = { path: this.#path, operands: this.#operands, lead: '', typed: word };
    if (this.#behindDashes !== null) return { ...whole, wanted: this.#behind(this.#behindDashes) };
    if (this.#pending !== null && !(this.#pending.variadic && word.startsWith('-'))) {
      return { ...whole, wanted: wantedValue(this.#pending) };
    }
    if (assigned !== null) {
      const [, lead = '', typed = ''] = assigned;
      const option = this.#find(lead.slice(0, -1));
      const wanted = option === null || !takesValue(option) ? NOTHING : wantedValue(option);
      return { ...whole, wanted, lead, typed };
    }
    if (word.startsWith('-')) {
      return { ...whole, wanted: { of: 'options', options: this.#openOptions() } };
    }
    if (this.#verbs !== null) {
      return { ...whole, wanted: { of: 'verbs', verbs: this.#verbs } };
    }
    return { ...whole, wanted: this.#wantedOperand() };
  }

  #takeOption(word: string): void {
    const [name = '', ...value] = word.split('=');
    const long = word.startsWith('--') ? this.#find(name) : null;
    if (long !== null) {
      this.#given.add(long);
      this.#pending = takesValue(long) && value.length === 0 ? long : null;
      return;
    }
    this.#pending = null;
    if (word.startsWith('--')) return;
    // -qo json: what stands behind a letter that takes a value is the value.
    const letters = Array.from(word.slice(1));
    for (const [index, letter] of letters.entries()) {
      const option = this.#find(`-${letter}`);
      if (option === null) return;
      this.#given.add(option);
      if (!takesValue(option)) continue;
      this.#pending = index === letters.length - 1 ? option : null;
      return;
    }
  }

  async #enter(word: string): Promise<void> {
    const verb = this.#verbs?.find(({ name }) => name === word);
    this.#path.push(word);
    this.#verbs = null;
    if (verb === undefined || verb.hidden === true) return;
    if ('verbs' in verb) {
      this.#verbs = verb.verbs;
      return;
    }
    const { command: declare } = await verb.load();
    this.#command = new Command(verb.name);
    declare(this.#command, () => Promise.resolve());
  }

  get #options(): readonly Option[] {
    const root = this.#path.length === 0 ? new Command().option(...VERSION_OPTION).options : [];
    return [...(this.#command?.options ?? []), ...this.#globals.options, ...root];
  }

  #find(flag: string): Option | null {
    return this.#options.find(({ short, long }) => short === flag || long === flag) ?? null;
  }

  /** Those that may still be said: a flag is said once. */
  #openOptions(): readonly Option[] {
    return this.#options.filter(
      (option) => !option.hidden && (takesValue(option) || !this.#given.has(option)),
    );
  }

  #wantedOperand(): Wanted {
    const declared = this.#command?.registeredArguments ?? [];
    const last = declared.at(-1);
    const argument =
      declared[this.#operands.length] ?? (last?.variadic === true ? last : undefined);
    return argument === undefined ? NOTHING : wantedArgument(argument);
  }

  /** Of our commands `create` alone takes a program; elsewhere operands go on behind `--`. */
  #behind(words: number): Wanted {
    const takesProgram = this.#command?.registeredArguments.some((argument) =>
      argument.name().endsWith('-command'),
    );
    return takesProgram === true ? { of: 'program', isFirst: words === 0 } : this.#wantedOperand();
  }
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

function wantedValue(option: Option): Wanted {
  const placeholder = /[<[]([^\]>.]+)/.exec(option.flags)?.[1] ?? '';
  return wantedOf(option.parseArg, placeholder);
}

function wantedArgument(argument: Argument): Wanted {
  return wantedOf(argument.parseArg, argument.name());
}

function wantedOf(parser: unknown, placeholder: string): Wanted {
  const offer = offerOf(parser);
  return offer === null ? { of: 'names', placeholder } : { of: 'choices', offer };
}
