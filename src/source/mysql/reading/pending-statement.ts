/** A statement that was sent and whose answer is still to come; it never rejects. */
export class PendingStatement {
  isOver = false;
  error: Error | null = null;
  readonly end: Promise<void>;

  constructor(statement: Promise<unknown>) {
    this.end = statement.then(
      () => {
        this.isOver = true;
      },
      (error: unknown) => {
        this.isOver = true;
        this.error = error instanceof Error ? error : new Error(String(error));
      },
    );
  }
}
