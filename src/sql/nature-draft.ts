import type { StatementNature, StatementRefusal, TransactionEffect } from './statement-nature.ts';

/** What is known of a text in one reading, while it is read. */
export class NatureDraft {
  refusal: StatementRefusal | null = null;
  isReadOnly = true;
  dependsOnTime = false;
  timestamp: 'set' | 'default' | null = null;
  isSetting = false;
  /** Statements in it. */
  count = 0;
  readonly transaction: TransactionEffect[] = [];
  readonly prepares: { readonly name: string; readonly nature: StatementNature | null }[] = [];
  executes: string | null = null;
  /** What the text runs that it executes; undefined where it executes none, null where it is not known. */
  executed: StatementNature | null | undefined = undefined;
  readonly written = new Set<string>();
  database: string | null = null;
  changesDatabase = false;
  assembles = false;
  readonly texts: string[] = [];
  /** Variables of the session that hold a literal of this text, by their names in small letters. */
  readonly variables = new Map<string, string>();

  /** The first reason stays. */
  refuse(reason: StatementRefusal): void {
    this.refusal ??= reason;
    this.isReadOnly = false;
  }

  /** Of a program that this text makes, what is never sent. */
  take(program: NatureDraft): void {
    if (program === this) return;
    if (program.refusal !== null) this.refuse(program.refusal);
    this.changesDatabase ||= program.changesDatabase;
    this.assembles ||= program.assembles;
    this.texts.push(...program.texts);
  }

  writes(): void {
    this.isReadOnly = false;
    this.dependsOnTime = true;
  }

  effect(effect: TransactionEffect): void {
    if (effect !== 'nothing') this.transaction.push(effect);
  }

  /** Runs what is prepared; null where it is not known. */
  execute(nature: StatementNature | null): void {
    this.executed = nature;
    if (nature === null) {
      // Nobody can say that it is none of those that are never sent.
      this.refuse('unseen');
      this.dependsOnTime = true;
      this.effect('works');
      return;
    }
    if (nature.refusal !== null) this.refuse(nature.refusal);
    this.isReadOnly &&= nature.isReadOnly;
    this.dependsOnTime ||= nature.dependsOnTime;
    this.timestamp = nature.timestamp ?? this.timestamp;
    this.isSetting ||= nature.isSetting;
    this.changesDatabase ||= nature.changesDatabase;
    // MariaDB prepares a USE, too.
    this.database = nature.database ?? this.database;
    for (const effect of nature.transaction) this.effect(effect);
    for (const table of nature.writtenTables) this.written.add(table);
  }
}
