import type { Command } from 'commander';
import { AppError } from '../../core/errors.ts';
import { contradiction, offering, oneOf } from './choices.ts';
import type { ColorChoice } from '../render/paint.ts';

export const OUTPUT_MODES = ['table', 'json', 'csv', 'tsv', 'yaml', 'name'] as const;
export type OutputMode = (typeof OUTPUT_MODES)[number];

/** Options that every command takes, before or after its name. */
export interface GlobalOptions {
  /** null: a table on a terminal, TSV elsewhere. */
  readonly output: OutputMode | null;
  /** Those of the command line that choose the form of data, as they are called. */
  readonly dataFlags: readonly string[];
  readonly fields: readonly string[] | null;
  readonly headers: boolean;
  readonly quiet: boolean;
  readonly color: ColorChoice;
  readonly input: boolean;
  readonly debug: boolean;
  readonly timeZone: string | null;
}

const COLOR_CHOICES = ['auto', 'always', 'never'] as const;

/** Flags and descriptions in the order of the help, and the choices of those that have some. */
export const GLOBAL_OPTIONS: readonly (readonly [
  flags: string,
  description: string,
  choices?: readonly string[],
])[] = [
  ['-o, --output <mode>', OUTPUT_MODES.join(', '), OUTPUT_MODES],
  ['--json', 'the same as --output json'],
  ['--fields <a,b>', 'only these fields, in this order'],
  ['--no-headers', 'no header line'],
  ['-q, --quiet', 'no notes on stderr: only data, warnings and errors'],
  ['--color <when>', 'auto, always or never', COLOR_CHOICES],
  ['--no-input', 'never ask anything'],
  ['--timezone <zone>', 'IANA time zone to read and show times in'],
  ['--debug', 'show where an unexpected error came from'],
];

/** Declares them on the program. */
export function registerGlobalOptions(program: Command): void {
  // Other programs have it; the help has --color never.
  program.addOption(program.createOption('--no-color', 'the same as --color never').hideHelp());
  for (const [flags, description, choices] of GLOBAL_OPTIONS) {
    if (choices === undefined) program.option(flags, description);
    // readGlobalOptions reports wrong values of all of them.
    else
      program.option(
        flags,
        description,
        offering(choices, (text: string) => text),
      );
  }
}

interface ParsedOptions {
  output?: string;
  json?: boolean;
  fields?: string;
  headers?: boolean;
  quiet?: boolean;
  color?: string | boolean;
  input?: boolean;
  debug?: boolean;
  timezone?: string;
}

/** @throws AppError `invalid` for a value that an option does not have. */
export function readGlobalOptions(
  parsed: ParsedOptions,
  env: Readonly<Record<string, string | undefined>>,
): GlobalOptions {
  return {
    output: outputOf(parsed, env),
    dataFlags: dataFlagsOf(parsed),
    fields: parsed.fields === undefined ? null : fieldsOf(parsed.fields),
    headers: parsed.headers !== false,
    quiet: parsed.quiet === true,
    color: colorOf(parsed.color),
    input: parsed.input !== false,
    debug: parsed.debug === true,
    timeZone: parsed.timezone ?? null,
  };
}

function dataFlagsOf({ output, json, fields, headers }: ParsedOptions): string[] {
  return [
    ...(output === undefined ? [] : [`--output ${output}`]),
    ...(json === true ? ['--json'] : []),
    ...(fields === undefined ? [] : ['--fields']),
    ...(headers === false ? ['--no-headers'] : []),
  ];
}

function outputOf(
  parsed: ParsedOptions,
  env: Readonly<Record<string, string | undefined>>,
): OutputMode | null {
  const named = parsed.output === undefined ? null : oneOf(OUTPUT_MODES, parsed.output, '--output');
  if (parsed.json === true) {
    if (named !== null && named !== 'json') {
      throw contradiction('--json', `--output ${named}`);
    }
    return 'json';
  }
  if (named !== null) return named;
  const fromEnv = env['CAPTURES_OUTPUT'];
  if (fromEnv === undefined || fromEnv === '') return null;
  return oneOf(OUTPUT_MODES, fromEnv, 'CAPTURES_OUTPUT');
}

function fieldsOf(text: string): string[] {
  const fields = text.split(',').map((field) => field.trim());
  if (fields.some((field) => field === '')) {
    throw new AppError('invalid', '--fields has an empty field', {
      hint: 'Give field names with commas between them: --fields id,name,status',
    });
  }
  return fields;
}

function colorOf(value: string | boolean | undefined): ColorChoice {
  if (value === false) return 'never';
  if (value === undefined || value === true) return 'auto';
  return oneOf(COLOR_CHOICES, value, '--color');
}

/**
 * Whether failures are to be JSON: decided from the bare command line, because a usage error may
 * come before any option was understood.
 */
export function asksForJson(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const end = argv.indexOf('--');
  const own = end === -1 ? argv : argv.slice(0, end);
  if (own.includes('--json')) return true;
  const mode = own.flatMap((argument, index) => {
    if (argument.startsWith('--output=')) return [argument.slice('--output='.length)];
    if (argument === '--output') return [own[index + 1] ?? ''];
    const short = /^-q*o=?(.*)$/.exec(argument);
    if (short === null) return [];
    return [short[1] === '' ? (own[index + 1] ?? '') : (short[1] ?? '')];
  });
  return (mode.at(-1) ?? env['CAPTURES_OUTPUT'] ?? '').toLowerCase() === 'json';
}
