import type { Actor } from '../core/access.ts';
import type { Environment, ServerAddress } from '../core/environments/environment.ts';
import { AppError } from '../core/errors.ts';
import type { ServerInspection } from '../core/environments/server-inspection.ts';
import type { Context } from './runtime/context.ts';
import { findingOf, ok, warning } from './findings.ts';
import { readServer } from '../core/environments/readiness.ts';
import type { Finding } from './render/diagnosis.ts';
import { shellQuoted } from '../core/shell.ts';
import { formatDuration } from '../core/units.ts';

/** A server that takes longer to be looked at is no better than one that is not there. */
const PATIENCE_MS = 10_000;
/** A recorder that lives gives a sign every few seconds. */
const SILENT_MS = 60_000;
/** More than any way to a server takes, and than NTP leaves. */
const MOST_APART_MS = 2_000;

/** Looks at the servers and the credentials of every environment of a user, all at once. */
export async function environmentFindings(context: Context, actor: Actor): Promise<Finding[]> {
  const environments = context.store.environments.listFor(actor.userId);
  if (environments.length === 0) {
    return [warning('environments', 'You have none', 'captures env create NAME --url URL')];
  }
  const found = await Promise.all(
    environments.map((environment) => findingsOf(context, environment)),
  );
  return found.flat();
}

async function findingsOf(context: Context, environment: Environment): Promise<Finding[]> {
  const check = `environment ${environment.name}`;
  const { server, instance } = environment;
  const [atServer, atAws] = await Promise.all([
    server === null ? Promise.resolve([]) : serverFindings(context, check, environment, server),
    instance === null ? Promise.resolve([]) : awsFindings(context, check, environment),
  ]);
  const findings = [...atServer, ...atAws];
  return findings.length > 0 ? findings : [ok(check, 'neither a server nor an RDS instance')];
}

async function serverFindings(
  context: Context,
  check: string,
  environment: Environment,
  server: ServerAddress,
): Promise<Finding[]> {
  try {
    if (await context.isLeftToDaemon(server)) {
      return [ok(check, 'the daemon reads the password: it checks the server itself')];
    }
    const look = readServer(context.wiring.outside, { ...environment, server });
    const { inspection, refusal } = await bounded(context, look);
    if (refusal !== null) return [findingOf(check, refusal)];
    const { flavor, version, hostname, port } = inspection.server;
    const name = shellQuoted(environment.name);
    return [
      ok(check, `${flavor} ${version} at ${hostname}:${port}: a capture could start`),
      ...leftBehind(check, inspection, name),
      ...clockApart(check, inspection.clockAheadMs),
      ...[inspection.deadManObstacle ?? [], inspection.warnings]
        .flat()
        .map((text) => warning(check, text, null)),
    ];
  } catch (error) {
    const finding = findingOf(check, error);
    // A password that is not where it is said to be: nothing is wrong with how doctor was called.
    return [finding.code === 'invalid' ? { ...finding, code: 'remote_failed' } : finding];
  }
}

function leftBehind(check: string, inspection: ServerInspection, name: string): Finding[] {
  const { leftovers, lockHolder } = inspection;
  if (leftovers === null || lockHolder !== null) return [];
  const { silentMs } = leftovers;
  if (silentMs !== null && silentMs < SILENT_MS) return [];
  const since = silentMs === null ? '' : `, silent for ${formatDuration(silentMs)}`;
  return [
    warning(check, `a recorder left its log switched on there${since}`, `captures recover ${name}`),
  ];
}

/** Times in a record are the server's; schedules go by ours. */
function clockApart(check: string, aheadMs: number): Finding[] {
  if (Math.abs(aheadMs) <= MOST_APART_MS) return [];
  const apart = `${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'}`;
  return [
    warning(
      check,
      `its clock is ${apart} the clock here: records have the server's times, schedules use the clock here`,
      'Set both by NTP; here: timedatectl',
    ),
  ];
}

/** A warning, not a failure: statements are recorded without CloudWatch. */
async function awsFindings(
  context: Context,
  check: string,
  environment: Environment,
): Promise<Finding[]> {
  try {
    const { region, accessKeyId } = await bounded(
      context,
      context.wiring.findAwsCredentials(environment),
    );
    return [
      ok(check, `AWS credentials found for CloudWatch in ${region} (access key ${accessKeyId})`),
    ];
  } catch (error) {
    const { detail, fix } = findingOf(check, error);
    return [warning(check, detail, fix)];
  }
}

/** @throws AppError `remote_failed` when it takes too long. */
async function bounded<T>(context: Context, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const { clock } = context.world;
  const late = clock.sleep(PATIENCE_MS, done.signal).then((): never => {
    throw new AppError('remote_failed', `No answer within ${formatDuration(PATIENCE_MS)}`, {
      hint: 'Check address, firewall and load of the server.',
    });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    done.abort();
  }
}
