import type { BoundValue } from '../core/replays/target.ts';
export class PreparedTemplate {
  sql: string;
  constructor(sql: string) {
    this.sql = sql;
  }
  valuesOf(_e: string): readonly BoundValue[] | null {
    return null;
  }
}
