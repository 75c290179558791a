import {
  OPERATIONS,
  READS,
  RULES,
  STORE_OPERATIONS,
  STORE_RULES,
  type Operation,
  type Relation,
  type StoreRelation,
  type StoreOperation,
} from '../../src/core/access.ts';

const RELATIONS: readonly Relation[] = ['outsider', 'member', 'owner', 'admin'];

/** The operations on what has an owner; all others are about an environment as a whole. */
const OWNED = /^(capture|schedule)\.(?!list$|create$|import$)/;

/** What each operation is at the command line. */
const COMMANDS: Record<Operation, string> = {
  'capture.list': 'list',
  'capture.get': 'get',
  'capture.create': 'create',
  'capture.metrics': 'metrics',
  'capture.workload': 'workload',
  'capture.verify': 'verify',
  'capture.report': 'report, diff',
  'capture.export': 'export',
  'capture.import': 'import',
  'capture.replay': 'replay',
  'capture.stop': 'stop',
  'capture.edit': 'edit',
  'capture.delete': 'delete, prune',
  'replay.run': 'replay --to',
  'replay.write': 'replay --to --writes',
  'schedule.list': 'schedule list',
  'schedule.get': 'schedule get, schedule next',
  'schedule.create': 'schedule create',
  'schedule.edit': 'schedule edit',
  'schedule.pause': 'schedule pause',
  'schedule.resume': 'schedule resume',
  'schedule.delete': 'schedule delete',
  'environment.get': 'env list, env get',
  'environment.check': 'env check',
  'environment.warm-up': 'env warm-up',
  'environment.recover': 'recover',
  'environment.reclaim': 'recover',
  'environment.edit': 'env edit',
  'environment.delete': 'env delete',
  'member.list': 'member list',
  'member.add': 'member add',
  'member.set': 'member set',
  'member.remove': 'member remove',
  'member.leave': 'member remove',
};

const STORE_COMMANDS: Record<StoreOperation, string> = {
  'user.list': 'user list',
  'user.create': 'user create',
  'user.delete': 'user delete',
  'user.password': 'user passwd',
  'token.create': 'token create',
  'token.list': 'token list',
  'token.revoke': 'token revoke',
  'environment.create': 'env create',
};
const STORE_RELATIONS: readonly StoreRelation[] = ['user', 'self', 'store administrator'];

/** The text of docs/permissions.md, made from the rules themselves. */
export function permissionsPage(): string {
  return `# Who may do what

This page is made from the rules in \`src/core/access.ts\` and checked by \`test/core/permissions.test.ts\`,
which also tries every operation as every kind of person on a capture of every status. When the rules
change, write it again with: \`UPDATE_DOCS=1 npx vitest run test/core/permissions.test.ts\`

## In an environment

| operation | command | outsider | member | owner | admin | read-only token |
| --- | --- | --- | --- | --- | --- | --- |
${OPERATIONS.map(rowOf).join('\n')}

- **outsider**: has no role in the environment. To them it does not exist: every answer is 404 (exit 3),
  the same as for one that never was. An owner who has left is an outsider, and so is an administrator of
  the store who is not a member.
- **member**: sees everything in the environment and creates captures of their own. What only an owner or
  an admin may do is 403 (exit 5) and says who may.
- **owner**: the member who created the capture (or has it from somebody who was deleted). There is no
  owner of an environment as a whole: there an owner is a member.
- **admin**: a member with the role \`admin\`. Who creates an environment is its first. The last admin can
  neither leave nor become a member, nor be deleted as a user (409, exit 6).

Everybody may leave an environment by themselves with \`member remove\`, but for its last admin.

A status never gives or takes a right. A stop is refused with 409 (exit 6) where the capture is not
RUNNING, to those who may stop it; to all others the answer is the one above.

\`recover\` restores a server as the next daemon would. Captures that would continue with that daemon are
ended by it only for those who may stop them (\`capture.stop\`). To take a server from the recorder of
another store is \`environment.reclaim\`.

\`replay\` takes a right in two environments: that of the record (\`capture.replay\`) and that of the target
(\`replay.run\`, or \`replay.write\`). \`--dry-run\` sends nothing: it takes \`capture.replay\` and
\`environment.check\`. A replay is owned by who ran it, and ends within seconds when they lose one of these rights.

## In the store

| operation | command | any user | about themselves | store administrator | read-only token |
| --- | --- | --- | --- | --- | --- |
${STORE_OPERATIONS.map(storeRowOf).join('\n')}

Everybody has tokens of their own alone. \`captures log\` shows everybody what happened in their environments
and to themselves, and an administrator of the store also what happened to its users.

An administrator of the store manages its users; that gives no right in any environment. Who is not
logged in, or whose session or token has expired, gets 401 (exit 4) for everything but \`init\`, \`login\`,
\`logout\`, \`help\` and \`--version\`.

\`captures log --calls\` shows requests to a server: everybody their own, and an administrator of the store all
of them, with the names that their paths hold. Logins, refused ones and logouts are in \`captures log\`.

## Tokens with a scope

A token is its user, unless it was made for less. \`token create --read-only\` makes one that changes nothing:
whatever its user may change is 403 (exit 5) for it. It reads what its user may, statements of workloads among it.

\`token create --env E\` makes one for environments alone (\`--env\` can be given more than once). There it is its
user, with the role that they have at the time; every other environment does not exist for it: it is in no
list, not in the audit trail, and every answer is 404. What lies in no environment (users, passwords, tokens,
new environments) is 403, also for an administrator of the store. Once the environment is deleted such a token
sees nothing.

Only a token without environments that is not read-only can make tokens, so none makes one that may more than
itself. \`CAPTURES_TOKEN\` and \`Authorization: Bearer\` mean the same. In a store that its user can write, the
scope of \`CAPTURES_TOKEN\` is a courtesy like the roles; behind a server it is a wall.

## Logins from elsewhere

Over the API wrong passwords are counted by name, as everywhere, and by address (of IPv6 by the first 64 bits).
An address has 20 wrong passwords at once, then one each ten seconds, whatever the names; a right one does not
give it more. Who has logged in from an address within 30 days is counted by themselves there: others behind the
same proxy do not keep them out, and neither does who guesses at their name from elsewhere. While an address is
used up, nobody logs in from it for the first time. The price of that: from such an address a name that has
logged in there is answered otherwise than any other, so who shares an address with users can find out their names.

One password is checked at a time, because each check takes 128 MiB and half a second. 32 wait, of one address
and for one name eight, and more are answered 503. Addresses take turns, and where all 32 places are taken, who comes
from another address gets one of the address that has most: one party alone keeps nobody from logging in.

## A login that ends

A session or token that has expired, was revoked, or whose user was deleted, ends what was begun with it: a change
that is not made yet is refused (401), and what goes on for long (followed statements, \`watch\`, waits, live reports)
ends within seconds, as it does for a member who was removed (404). A download that has begun
is finished. Sessions and tokens last from 1 minute to 366 days.

## What may be named over the API

An environment names files and variables of the machine where it is recorded. Who describes one over the API
names only what the user of the server's daemon allowed, whether it is there or not:

| field | allowed by |
| --- | --- |
| \`passwordFrom\` \`file:\`, \`cnf:\` | \`daemon --credentials FOLDER\`, or \`"folders"\` in that user's \`credentials.json\` |
| \`passwordFrom\` \`env:\` | \`daemon --credential-env PREFIX\`, or \`"prefixes"\` |
| \`sslCa\`, \`serverPublicKey\`, the socket of a URL | a folder, as above |
| \`profile\` | \`"profiles"\` |
| \`endpointUrl\` | \`https://monitoring.REGION.amazonaws.com\` and \`https://rds.REGION…\` (also \`-fips\`, \`.amazonaws.com.cn\`, \`.api.aws\`), or \`"endpoints"\` |

A path is written in one way: absolute, without \`.\`, \`..\` or a name that begins with \`..\` below the folder, a slash or
space at its end, or characters that cannot be printed; no link on it leads out of the folder. What is below the folder
is looked at again when it is used.

In a store that others can write, what that user typed for the same server with \`env create\` or \`env edit\` is allowed as
well. Every process of that user holds to this for as long as the environment is in the store: commands and a
background daemon too, which know no options of another daemon but read \`credentials.json\`. An edit over the API is
held only against what it changes; of a server all of it, because it may then be another one.

**Only administrators of the store name passwords over the API**, whether the file exists yet or not. Otherwise a user
could name a file first and have its password sent to a server of their own. Everybody else gets the refusal for a file
that is not allowed. An admin of an environment can edit it and keep its password, but cannot use that password in
another environment: they would keep it there when they are no longer an admin. Other users describe servers without a
password, or environments with metrics only.

**A password that was described once goes to no other server.** Over the API it can be named again only for the same
host and port (or socket), the same account, and TLS that is no weaker (the mode, and the CA or public key where that
environment has one), by an administrator of the store who is also an admin of an environment that has it. The same goes
for edits: to move a server, change its account or weaken its TLS, edit the environment on the server. Two paths are one
password if they lead to one file, by links or hard links. A link that is made later keeps a password from being used,
unless both names were described for that server. Groups of an option file are separate passwords.

The same goes for the accounts of a replay (\`users\` with \`passwordFrom\`): over the API administrators of the store
name them, from files and variables that are allowed, and a password goes to no server but the one that it was first
used or described for.

A password stays bound when its environment is deleted. Who types it on the server, with \`env create\`, is the admin of
an environment that has it, and can let others be admins there. \`--ssl-mode VERIFY_IDENTITY\` keeps anyone in between
from reading it.

Not prevented: a user who creates environments makes the server connect to any host and port it
reaches, with the login they know, and ask CloudWatch for any instance with the server's own AWS credentials. Give
those no more than metrics need, and let the server reach no more than it records.

## What outsiders can find out

Login says the same, takes as long and slows down alike for a name that does not exist.
\`list --owner\` knows only users of one's own environments, and owners of captures in them.

Three answers tell more, because they have to:

- Names of environments are unique in a store, because one word must mean one environment to everybody who
  is let into it later. So \`env create\` and \`env edit --name\` answer 409 for a name that is taken, even if the user
  may not see that environment. Do not put a secret into the name of an environment.
- \`member add\` tells an admin of an environment whether there is a user of that exact name.
- On the machine of the store \`get\`, \`metrics\`, \`workload\`, \`verify\`, \`report\` and \`export\` say "Capture's
  environment not found" to an outsider who types the id of a capture, and "Capture not found" for an id that was
  never given, as the reference API does. Ids are counted up, so this tells how many captures there are, and
  nothing about them. Over HTTP both answers are "Capture not found", with the same work behind them.
`;
}

function rowOf(operation: Operation): string {
  const cells = RELATIONS.map((relation) => {
    if (RULES[operation].includes(relation)) return 'yes';
    if (relation === 'owner' && !OWNED.test(operation)) return 'as a member';
    return relation === 'outsider' ? '404' : '403';
  });
  return `| ${operation} | \`${COMMANDS[operation].split(', ').join('`, `')}\` | ${cells.join(' | ')} | ${readOnlyCell(operation)} |`;
}

/** What its user may not do either, it may not as for them. */
function readOnlyCell(operation: Operation | StoreOperation): string {
  return READS.has(operation) ? 'as its user' : '403';
}

function storeRowOf(operation: StoreOperation): string {
  const cells = STORE_RELATIONS.map((relation) =>
    STORE_RULES[operation].includes(relation) ? 'yes' : '403',
  );
  return `| ${operation} | \`${STORE_COMMANDS[operation]}\` | ${cells.join(' | ')} | ${readOnlyCell(operation)} |`;
}
