import type {
  EnvironmentEdit,
  ServerRequest,
} from '../../../core/environments/environment-service.ts';
import { AppError } from '../../../core/errors.ts';
import { defineCommand } from '../command.ts';
import { ENVIRONMENT } from '../../input/arguments.ts';
import type { Context } from '../../runtime/context.ts';
import {
  registerEnvironmentOptions,
  typedInstance,
  typedLogin,
  warnOfUnknownProfile,
  type EnvironmentOptions,
  type Place,
} from '../../input/environment-options.ts';
import { allowTypedReference, checkTypedReference } from '../../input/typed-references.ts';
import { environmentNoun } from '../../render/environments.ts';

interface Options extends EnvironmentOptions {
  readonly environment: string;
  readonly name?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerEnvironmentOptions(
      command.argument(...ENVIRONMENT).option('--name <name>', 'new name'),
    ),
  help: `Changes only what you name. An empty value removes a setting: --region ""; --url "" makes the environment metrics-only. Its admins may edit an environment. The address of its server cannot change while captures record it.

Examples:
  captures env edit shop --name shop-eu
  captures env edit shop --ssl-mode VERIFY_IDENTITY --ssl-ca ~/rds-ca.pem
  captures env edit shop --password-from env:SHOP_PASSWORD`,
  prints: environmentNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { environments } = context.api;
  const before = await environments.get(actor, options.environment, 'environment.edit');
  const changes = changesOf(options, before.server !== null, context.place);
  if (Object.keys(changes).length === 0) {
    throw new AppError('invalid', 'Nothing to change', {
      hint: 'Options: --name NAME, --url URL, --region REGION … (captures env edit --help)',
    });
  }
  const { url, passwordFrom } = options;
  const { server } = changes;
  if (passwordFrom !== undefined) await checkTypedReference(context, server?.passwordFrom ?? null);
  const edited = await environments.edit(actor, String(before.id), changes);
  if (server !== undefined) {
    const isTyped = url !== undefined && passwordFrom !== undefined;
    await allowTypedReference(context, isTyped, before.server, edited.server);
  }
  await warnOfUnknownProfile(context, changes.profile ?? null);
  await context.printOne(environmentNoun, edited);
}

function changesOf(options: Options, hasServer: boolean, place: Place): EnvironmentEdit {
  const { name, url } = options;
  const isAboutServer = url !== undefined || saysHowToLogIn(options);
  return {
    ...(name === undefined ? {} : { name }),
    ...(isAboutServer ? { server: serverOf(options, hasServer, place) } : {}),
    ...typedInstance(options, true),
  };
}

function serverOf(
  options: Options,
  hasServer: boolean,
  place: Place,
): Partial<ServerRequest> | null {
  const { url } = options;
  if (url === '' || (url === undefined && !hasServer)) {
    if (!saysHowToLogIn(options)) return null;
    throw new AppError(
      'invalid',
      'The environment has no server for --password-from, --ssl-mode, --ssl-ca or --server-public-key',
      { hint: 'Give its address too: --url mysql://USER@HOST' },
    );
  }
  return { ...(url === undefined ? {} : { url }), ...typedLogin(options, place, true) };
}

function saysHowToLogIn({ passwordFrom, sslMode, sslCa, serverPublicKey }: Options): boolean {
  return [passwordFrom, sslMode, sslCa, serverPublicKey].some((value) => value !== undefined);
}
