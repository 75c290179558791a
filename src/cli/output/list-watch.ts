import type { CaptureListRequest } from '../../core/captures/capture-list.ts';
import type { LiveFacts } from '../../core/captures/live-facts.ts';
import type { ListedCapture } from '../../core/store.ts';
import { isOver } from '../../core/captures/capture.ts';
import type { Context } from '../runtime/context.ts';
import { captureNoun, listNounOf } from '../render/captures.ts';
import { localTime } from '../render/moments.ts';
import { interruption } from '../runtime/signals.ts';
import { progressLine, watchedJson } from './progress-line.ts';

const LOOK_MS = 1_000;
const LINES_MS = 10_000;
const CLEAR_SCREEN = '\u001b[H\u001b[2J';
const DEFAULT_ROWS = 24;
/** The title, the header and its rule, and the line the cursor stands in. */
const OTHER_ROWS = 4;

/**
 * Refreshes a list until Ctrl-C: redrawn each second on a terminal; with --json an object
 * a line for each capture that is new or changed; elsewhere a line for each that is not over every ten
 * seconds, and for each change of status at once.
 * @param load the list as it is now, at most `limit` rows.
 * @throws Interrupted.
 */
export async function watchList(
  context: Context,
  load: (limit: number) => Promise<readonly ListedCapture[]>,
  limit: number,
  asked: Pick<CaptureListRequest, 'type'>,
): Promise<never> {
  const { world } = context;
  const { interrupted } = world.signals;
  const show = context.isJson
    ? changesAsJson(context)
    : world.stdout.isTTY
      ? (captures: readonly ListedCapture[]) => redraw(context, captures, asked)
      : asLines(context);
  const room = world.stdout.isTTY ? (world.stdout.rows ?? DEFAULT_ROWS) - OTHER_ROWS : limit;
  const watching = async (): Promise<never> => {
    for (;;) {
      interrupted.throwIfAborted();
      const most = Math.max(Math.min(limit, room), 1);
      await show(await context.untilAnswered(() => load(most)));
      await world.clock.sleep(LOOK_MS, interrupted);
    }
  };
  return Promise.race([watching(), interruption(interrupted)]);
}

async function redraw(
  context: Context,
  captures: readonly ListedCapture[],
  asked: Pick<CaptureListRequest, 'type'>,
): Promise<void> {
  const now = localTime(context.now(), context.timeZone);
  await context.world.stdout.write(`${CLEAR_SCREEN}${now}  Ctrl-C ends this view only\n`);
  await context.print(listNounOf(captures, asked), captures);
}

function changesAsJson(context: Context): (captures: readonly ListedCapture[]) => Promise<void> {
  const known = new Map<number, string>();
  return async (captures) => {
    for (const capture of captures) {
      const facts = JSON.stringify(captureNoun.toJson(capture));
      if (known.get(capture.id) === facts) continue;
      known.set(capture.id, facts);
      await context.world.stdout.write(
        watchedJson(context, capture, await liveOf(capture, context)),
      );
    }
  };
}

function asLines(context: Context): (captures: readonly ListedCapture[]) => Promise<void> {
  const statuses = new Map<number, string>();
  let next = 0;
  return async (captures) => {
    const now = context.now();
    const isTime = now >= next;
    if (isTime) next = now + LINES_MS;
    for (const capture of captures) {
      const { id, status } = capture;
      const isNews = statuses.size > 0 && statuses.get(id) !== status;
      if (!isNews && !(isTime && !isOver(status))) continue;
      const live = await liveOf(capture, context);
      await context.world.stdout.write(progressLine(capture, live, now));
    }
    for (const { id, status } of captures) statuses.set(id, status);
  };
}

async function liveOf({ id }: ListedCapture, context: Context): Promise<LiveFacts> {
  const { captures } = context.api;
  return context.untilAnswered(async () => captures.live(await context.actor(), String(id)));
}
