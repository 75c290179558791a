import { isAbsolute, resolve } from 'node:path';
import type { Command } from 'commander';
import type {
  EnvironmentRequest,
  ServerRequest,
} from '../../core/environments/environment-service.ts';
import { SSL_MODES, type ProviderFields } from '../../core/environments/environment.ts';
import { parsePasswordReference } from '../../core/environments/password-reference.ts';
import { AppError } from '../../core/errors.ts';
import { offering, oneOf } from './choices.ts';
import type { Context } from '../runtime/context.ts';
import type { World } from '../runtime/world.ts';
import { listAwsProfiles, PROVIDER_FORMS } from '../../wiring.ts';

/** Options that describe an environment, as they were typed. */
export interface EnvironmentOptions {
  readonly url?: string;
  readonly passwordFrom?: string;
  readonly sslMode?: string;
  readonly sslCa?: string;
  readonly serverPublicKey?: string;
  readonly region?: string;
  readonly instance?: string;
  readonly profile?: string;
  readonly endpointUrl?: string;
}

export function registerEnvironmentOptions(command: Command): Command {
  return command
    .option('--url <url>', 'mysql://USER@HOST[:PORT][/DB][?socket=PATH], without a password')
    .option(
      '--password-from <ref>',
      'where the password is: env:VAR, file:PATH or cnf:PATH#GROUP',
      offering(['env:', 'file:', 'cnf:'], asTyped, { isBeginning: true }),
    )
    .option(
      '--ssl-mode <mode>',
      `${SSL_MODES.join(', ')} (default: PREFERRED)`,
      offering(SSL_MODES, asTyped),
    )
    .option('--ssl-ca <file>', 'PEM file of trusted certificate authorities')
    .option(
      '--server-public-key <file>',
      "PEM file with the server's RSA key, to log in without TLS",
    )
    .option('--region <region>', 'AWS region of the instance')
    .option('--instance <id>', 'RDS instance, as CloudWatch names it')
    .option('--profile <profile>', 'AWS profile to read metrics with')
    .option('--endpoint-url <url>', 'another address of CloudWatch');
}

function asTyped(text: string): string {
  return text;
}

/** Where relative paths and `~` begin; the name of the server that paths are on, where they are not ours. */
export type Place = Pick<World, 'cwd' | 'home'> | { readonly server: string };

/** A field whose option was typed. @param canRemove an empty text removes the setting. */
function typed<Field extends string>(
  field: Field,
  text: string | undefined,
  canRemove: boolean,
  read: (text: string) => string,
): Partial<Record<Field, string | null>> {
  if (text === undefined) return {};
  const value = text === '' && canRemove ? null : read(text);
  return { [field]: value } as Record<Field, string | null>;
}

/** How to log in to the server, as far as it was typed. @throws AppError `invalid`. */
export function typedLogin(
  options: EnvironmentOptions,
  place: Place,
  canRemove: boolean,
): Partial<Omit<ServerRequest, 'url'>> {
  const { passwordFrom, sslMode, sslCa, serverPublicKey } = options;
  const path = (text: string): string => absolutePath(text, place);
  return {
    ...typed('passwordFrom', passwordFrom, canRemove, (text) => absoluteReference(text, place)),
    // Every server has one: it cannot be removed.
    ...(sslMode === undefined || (sslMode === '' && canRemove)
      ? {}
      : { sslMode: oneOf(SSL_MODES, sslMode.replaceAll('-', '_'), '--ssl-mode') }),
    ...typed('sslCa', sslCa, canRemove, path),
    ...typed('serverPublicKey', serverPublicKey, canRemove, path),
  };
}

/** Where its metrics are in AWS, as far as it was typed. @throws AppError `invalid`. */
export function typedInstance(
  { region, instance, profile, endpointUrl }: EnvironmentOptions,
  canRemove: boolean,
): Partial<Pick<EnvironmentRequest, 'region' | 'instance' | 'profile' | 'endpointUrl'>> {
  return {
    ...typed('region', region, canRemove, readerOf('region', '--region')),
    ...typed('instance', instance, canRemove, readerOf('instance', '--instance')),
    ...typed('profile', profile, canRemove, readerOf('profile', '--profile')),
    ...typed('endpointUrl', endpointUrl, canRemove, readerOf('endpointUrl', '--endpoint-url')),
  };
}

/** A password reference with its path made absolute: the daemon has another working directory. */
export function absoluteReference(reference: string, place: Place): string {
  const parsed = parsePasswordReference(reference);
  switch (parsed.from) {
    case 'env':
      return reference;
    case 'file':
      return `file:${absolutePath(parsed.path, place)}`;
    case 'cnf':
      return `cnf:${absolutePath(parsed.path, place)}#${parsed.group}`;
  }
}

/** A shell does not expand `~` after a colon, and users expect it. @throws AppError `invalid` for one that is not absolute on a server. */
export function absolutePath(path: string, place: Place): string {
  if ('server' in place) {
    if (isAbsolute(path)) return path;
    throw new AppError('invalid', `${path} is not an absolute path on the server ${place.server}`, {
      hint: 'The file is read by the daemon there: give its whole path, such as /etc/captures/shop-password.',
    });
  }
  const expanded = path === '~' || path.startsWith('~/') ? place.home + path.slice(1) : path;
  return resolve(place.cwd, expanded);
}

/**
 * Warns of an AWS profile that is not here. Not an error: the profile is read where the daemon runs,
 * which may be elsewhere.
 */
export async function warnOfUnknownProfile(
  context: Context,
  profile: string | null,
): Promise<void> {
  if (profile === null || context.server !== null) return;
  const profiles = await listAwsProfiles(context.world);
  if (profiles.includes(profile)) return;
  const known = profiles.length === 0 ? 'there are none' : `there are ${profiles.join(', ')}`;
  await context.warn(
    `There is no AWS profile "${profile}" here (${known}). Metrics need it where the daemon runs.`,
  );
}

/** @throws AppError `invalid` for what cannot be the field. */
function readerOf(field: keyof ProviderFields, flag: string): (text: string) => string {
  const { is, takes } = PROVIDER_FORMS[field];
  return (text) => {
    if (is(text)) return text;
    throw new AppError('invalid', `${flag} takes ${takes}`);
  };
}
