import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { NewEnvironment } from '../../../core/environment-service.ts';
import {
  parsePasswordReference,
  parseServerUrl,
  SSL_MODES,
  type ServerAddress,
} from '../../../core/environments.ts';
import { AppError, isAppError } from '../../../core/errors.ts';
import { checkName } from '../../../core/names.ts';
import { oneOf } from '../../choices.ts';
import { loaded } from '../../command.ts';
import type { Context } from '../../context.ts';
import { environmentNoun } from '../../render/environments.ts';

export interface EnvCreateOptions {
  readonly name?: string;
  readonly url?: string;
  readonly passwordFrom?: string;
  readonly sslMode?: string;
  readonly sslCa?: string;
  readonly region?: string;
  readonly instance?: string;
  readonly profile?: string;
  readonly endpointUrl?: string;
}

export function registerEnvCreate(
  command: Command,
  run: (options: EnvCreateOptions) => Promise<void>,
): void {
  command
    .argument('[name]', 'name of the environment')
    .option('--url <url>', 'mysql://USER@HOST[:PORT][/DB][?socket=PATH], without a password')
    .option('--password-from <ref>', 'where its password is: env:VAR, file:PATH or cnf:PATH#GROUP')
    .option('--ssl-mode <mode>', `${SSL_MODES.join(', ')} (default: PREFERRED)`)
    .option('--ssl-ca <file>', 'PEM file with the authorities to trust')
    .option('--region <region>', 'AWS region of the instance')
    .option('--instance <id>', 'RDS instance, as CloudWatch names it')
    .option('--profile <profile>', 'AWS profile to read metrics with')
    .option('--endpoint-url <url>', 'CloudWatch at another address')
    .addHelpText(
      'after',
      `
You become the environment's admin. Without --url it is metrics-only: its captures record no
statements and are RUNNING at once. Paths are made absolute. Passwords are never stored.

Examples:
  captures env create shop --url mysql://recorder@db.example.com --password-from file:~/.shop-password
  captures env create rds --url mysql://recorder@x.rds.amazonaws.com --password-from env:RDS_PASSWORD \\
    --ssl-mode VERIFY_IDENTITY --region eu-central-1 --instance shop-1
  captures env create numbers --region eu-central-1 --instance shop-1

JSON fields: ${environmentNoun.fields.join(', ')}`,
    )
    .action((name: string | undefined, options: EnvCreateOptions) =>
      run({ ...options, ...(name === undefined ? {} : { name }) }),
    );
}

export async function runEnvCreate(options: EnvCreateOptions, context: Context): Promise<number> {
  const { actor, world } = context;
  const asked = options.name === undefined ? await ask(context, options) : options;
  const environment = describe(asked, world);
  const created = context.environments.create(actor, environment);
  await context.note(
    created.server === null
      ? `Created the environment ${created.name} (metrics only: no server to record).`
      : `Created the environment ${created.name}. To see whether it can be recorded: captures env check ${created.id}`,
  );
  await context.printOne(environmentNoun, created);
  return 0;
}

/** Asks for what a person left out: nothing where the name was given. */
async function ask(context: Context, options: EnvCreateOptions): Promise<EnvCreateOptions> {
  const prompter = await context.prompter(
    'The environment has no name',
    'Give it one: captures env create NAME',
  );
  const name = await prompter.ask('Name of the environment', {
    check: (answer) => sentenceOf(() => checkName('environment', answer)),
  });
  if (options.url !== undefined) return { ...options, name };
  const url = await prompter.ask(
    'Server, as mysql://USER@HOST[:PORT] (leave it empty for metrics only)',
    { check: (answer) => (answer === '' ? null : sentenceOf(() => parseServerUrl(answer))) },
  );
  if (url === '' || options.passwordFrom !== undefined) {
    return { ...options, name, ...(url === '' ? {} : { url }) };
  }
  const passwordFrom = await prompter.ask(
    'Where its password is, as env:VAR, file:PATH or cnf:PATH#GROUP (empty: it has none)',
    {
      check: (answer) => (answer === '' ? null : sentenceOf(() => parsePasswordReference(answer))),
    },
  );
  return { ...options, name, url, ...(passwordFrom === '' ? {} : { passwordFrom }) };
}

function sentenceOf(check: () => unknown): string | null {
  try {
    check();
    return null;
  } catch (error) {
    if (isAppError(error)) return [error.message, error.hint].filter(Boolean).join('. ');
    throw error;
  }
}

function describe(
  options: EnvCreateOptions,
  place: { readonly cwd: string; readonly home: string },
): NewEnvironment {
  return {
    name: options.name ?? '',
    server: serverOf(options, place),
    region: options.region ?? null,
    instance: options.instance ?? null,
    profile: options.profile ?? null,
    endpointUrl: options.endpointUrl === undefined ? null : httpUrl(options.endpointUrl),
  };
}

function serverOf(
  options: EnvCreateOptions,
  place: { readonly cwd: string; readonly home: string },
): ServerAddress | null {
  if (options.url === undefined) {
    for (const [flag, value] of [
      ['--password-from', options.passwordFrom],
      ['--ssl-mode', options.sslMode],
      ['--ssl-ca', options.sslCa],
    ] as const) {
      if (value !== undefined) {
        throw new AppError(
          'invalid',
          `${flag} says something about a server, and there is no --url`,
        );
      }
    }
    return null;
  }
  const sslMode =
    options.sslMode === undefined
      ? null
      : oneOf(SSL_MODES, options.sslMode.replaceAll('-', '_'), '--ssl-mode');
  return {
    ...parseServerUrl(options.url),
    passwordFrom:
      options.passwordFrom === undefined ? null : absoluteReference(options.passwordFrom, place),
    sslMode: sslMode ?? (options.sslCa === undefined ? 'PREFERRED' : 'VERIFY_CA'),
    sslCa: options.sslCa === undefined ? null : absolute(options.sslCa, place),
  };
}

/** The daemon that reads the file later has another working directory. */
function absoluteReference(
  reference: string,
  place: { readonly cwd: string; readonly home: string },
): string {
  const parsed = parsePasswordReference(reference);
  switch (parsed.from) {
    case 'env':
      return reference;
    case 'file':
      return `file:${absolute(parsed.path, place)}`;
    case 'cnf':
      return `cnf:${absolute(parsed.path, place)}#${parsed.group}`;
  }
}

/** A shell does not expand `~` behind a colon, and people expect it to. */
function absolute(path: string, place: { readonly cwd: string; readonly home: string }): string {
  const expanded = path === '~' || path.startsWith('~/') ? place.home + path.slice(1) : path;
  return resolve(place.cwd, expanded);
}

function httpUrl(text: string): string {
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!isHttp) throw new AppError('invalid', '--endpoint-url takes an http:// or https:// address');
  return text;
}

export const command = loaded(registerEnvCreate, runEnvCreate);
