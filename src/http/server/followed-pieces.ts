import type { Progress } from '../../core/progress.ts';
import type { FollowEvent, Following } from '../../core/workloads/committed-spans.ts';
import type { FollowedPiece } from '../contract/workload-routes.ts';

/**
 * What is followed, with what is told meanwhile, each in its place.
 * @param follow is given whom to tell, which waits until it was taken.
 */
export async function* followedPieces<Result>(
  follow: (tell: Following['tell']) => Progress<Uint8Array, Result>,
): Progress<FollowedPiece, Result> {
  const told: { readonly event: FollowEvent; readonly taken: () => void }[] = [];
  let wake: () => void = () => undefined;
  const run = follow(
    (event) =>
      new Promise<void>((taken) => {
        told.push({ event, taken });
        wake();
      }),
  );
  try {
    for (;;) {
      const next = run.next();
      const step = { isThere: false };
      const settled = next.then(
        () => void (step.isThere = true),
        () => void (step.isThere = true),
      );
      for (;;) {
        const woken = new Promise<void>((resolve) => (wake = resolve));
        for (const { event, taken } of told.splice(0)) {
          yield event;
          taken();
        }
        if (step.isThere) break;
        await Promise.race([settled, woken]);
      }
      const { done, value } = await next;
      if (done === true) return value;
      yield { type: 'statements', bytes: value };
    }
  } finally {
    for (const { taken } of told) taken();
    await run.return(undefined as never);
  }
}
