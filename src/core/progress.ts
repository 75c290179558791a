/** A use case that takes a while: what happens meanwhile, then its result. */
export type Progress<Event, Result> = AsyncGenerator<Event, Result, void>;

/**
 * Runs a use case to its end.
 * @param show is told of each event, and awaited before the use case goes on; what it throws ends that.
 */
export async function resultOf<Event, Result>(
  run: Progress<Event, Result>,
  show: (event: Event) => Promise<void> | void = () => undefined,
): Promise<Result> {
  for (;;) {
    const step = await run.next();
    if (step.done === true) return step.value;
    try {
      await show(step.value);
    } catch (error) {
      await run.throw(error);
      throw error;
    }
  }
}
