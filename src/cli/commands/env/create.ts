import type {
  EnvironmentRequest,
  ServerRequest,
} from '../../../core/environments/environment-service.ts';
import { parsePasswordReference } from '../../../core/environments/password-reference.ts';
import { AppError } from '../../../core/errors.ts';
import { defineCommand } from '../command.ts';
import type { Context } from '../../runtime/context.ts';
import {
  registerEnvironmentOptions,
  typedInstance,
  typedLogin,
  warnOfUnknownProfile,
  type EnvironmentOptions,
  type Place,
} from '../../input/environment-options.ts';
import { askName, whatIsWrong } from '../../input/questions.ts';
import { shellQuoted } from '../../render/shell-quoting.ts';
import { allowTypedReference, checkTypedReference } from '../../input/typed-references.ts';
import { environmentNoun } from '../../render/environments.ts';

interface Options extends EnvironmentOptions {
  readonly name?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerEnvironmentOptions(command.argument('[name]', 'name of the environment')),
  help: `You become its admin. Without --url the environment is metrics-only: its captures record no statements
and are RUNNING at once. Paths are stored as absolute paths, passwords never.

Examples:
  captures env create shop --url mysql://recorder@db.example.com \\
    --password-from file:~/.shop-password
  captures env create rds --url mysql://recorder@x.rds.amazonaws.com \\
    --password-from env:RDS_PASSWORD --ssl-mode VERIFY_IDENTITY \\
    --region eu-central-1 --instance shop-1
  captures env create numbers --region eu-central-1 --instance shop-1`,
  prints: environmentNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  const actor = await context.actor();
  const { name, ...described } = options;
  const isBare = Object.keys(described).length === 0;
  const isAsked = name === undefined || (isBare && context.canPrompt);
  const asked = isAsked ? await ask(context, options) : options;
  const environment = describe(asked, context.place);
  await checkTypedReference(context, environment.server?.passwordFrom ?? null);
  const created = await context.api.environments.create(actor, environment);
  await allowTypedReference(context, true, null, created.server);
  await context.note(
    created.server === null
      ? `Created the environment ${created.name} (metrics only: no server to record).`
      : `Created the environment ${created.name}. To see whether it can be recorded: captures env check ${shellQuoted(created.name)}`,
  );
  await warnOfUnknownProfile(context, created.profile);
  await context.printOne(environmentNoun, created);
}

/** Asks for the name, if it was left out, and the server. */
async function ask(context: Context, options: Options): Promise<Options> {
  const name = options.name ?? (await askName(context, 'environment', 'captures env create NAME'));
  if (options.url !== undefined) return { ...options, name };
  const prompter = await context.openPrompter();
  const url = await prompter.ask('Server, as mysql://USER@HOST[:PORT] (empty: metrics only)', {
    check: (answer) =>
      answer === '' ? null : whatIsWrong(() => context.wiring.parseServerUrl(answer)),
  });
  if (url === '' || options.passwordFrom !== undefined) {
    return { ...options, name, ...(url === '' ? {} : { url }) };
  }
  const passwordFrom = await prompter.ask(
    'Where its password is, as env:VAR, file:PATH or cnf:PATH#GROUP (empty: it has none)',
    {
      check: (answer) => (answer === '' ? null : whatIsWrong(() => parsePasswordReference(answer))),
    },
  );
  return { ...options, name, url, ...(passwordFrom === '' ? {} : { passwordFrom }) };
}

function describe(options: Options, place: Place): EnvironmentRequest {
  return {
    name: options.name ?? '',
    server: serverOf(options, place),
    ...{ region: null, instance: null, profile: null, endpointUrl: null },
    ...typedInstance(options, false),
  };
}

function serverOf(options: Options, place: Place): ServerRequest | null {
  if (options.url !== undefined) {
    const nothing = { passwordFrom: null, sslMode: null, sslCa: null, serverPublicKey: null };
    return { url: options.url, ...nothing, ...typedLogin(options, place, false) };
  }
  for (const [flag, value] of [
    ['--password-from', options.passwordFrom],
    ['--ssl-mode', options.sslMode],
    ['--ssl-ca', options.sslCa],
    ['--server-public-key', options.serverPublicKey],
  ] as const) {
    if (value !== undefined) {
      throw new AppError('invalid', `${flag} is about a server, and there is no --url`);
    }
  }
  return null;
}
