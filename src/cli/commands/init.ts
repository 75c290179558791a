import { checkName } from '../../core/names.ts';
import { UserService, prepareUser, type OpenedSession } from '../../core/users/user-service.ts';
import { checkNoStore, createStore } from '../../store/sqlite-store.ts';
import { defineCommand } from './command.ts';
import type { Context } from '../runtime/context.ts';
import { findGroup } from '../runtime/system-groups.ts';
import {
  readNewPassword,
  registerPasswordOptions,
  type PasswordSource,
} from '../input/password-options.ts';
import { identityNoun } from '../render/identity.ts';

interface Options extends PasswordSource {
  readonly user?: string;
  readonly sharedGroup?: string;
}

export const command = defineCommand<Options>({
  declare: (command) =>
    registerPasswordOptions(
      command.option('--user <name>', "name of the first user (default: your system's user name)"),
    ).option('--shared-group <group>', 'let the members of a system group use the store'),
  help: `The first user is the administrator of the store and is logged in at once.
The store is in CAPTURES_HOME, else in $XDG_DATA_HOME/captures (~/.local/share/captures).

Examples:
  captures init
  captures init --user ada --password-file ~/.captures-password
  printf '%s\\n' "$SECRET" | captures init --user ci --password-stdin`,
  prints: identityNoun,
  run,
});

async function run(options: Options, context: Context): Promise<void> {
  context.refuseOnClient('captures init');
  const { paths, world } = context;
  const name = checkName('user', options.user ?? world.userName);
  const sharedGroup = options.sharedGroup === undefined ? null : findGroup(options.sharedGroup);
  checkNoStore(paths.store);
  const password = await readNewPassword(
    context,
    options,
    `Password for the new captures user ${name} (at least 8 characters)`,
  );
  const user = await prepareUser(name, password, world.passwordCost);
  world.signals.interrupted.throwIfAborted();
  const opened: OpenedSession[] = [];
  const store = createStore(paths.store, { sharedGroup, now: context.now() }, (made) => {
    opened.push(new UserService(made, world.clock, world).openFirstSession(user));
  });
  context.wiring.adoptStore(store);
  const [session] = opened;
  if (session === undefined) throw new Error('createStore did not fill the store');
  const { secret, expiresAt } = session;
  context.session.save({ user: name, secret, expiresAt });
  await context.note(
    `Created a store in ${store.directory} and logged in ${name}, its administrator.`,
  );
  await context.printIfAsked(identityNoun, {
    user: name,
    isStoreAdmin: true,
    kind: 'session',
    expiresAt,
    isReadOnly: false,
    environments: null,
    store: store.directory,
    server: null,
  });
}
