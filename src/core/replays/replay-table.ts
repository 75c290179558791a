import type { ReplayPlan, ReplayProgress, StoredReplay } from './replay.ts';

/** What is kept of replays beside their rows among the captures; it goes with these. */
export interface ReplayTable {
  insert(replay: Omit<StoredReplay, 'target' | 'plan' | 'progress'>): void;
  find(captureId: number): StoredReplay | null;
  saveTarget(captureId: number, target: StoredReplay['target']): void;
  savePlan(captureId: number, plan: ReplayPlan): void;
  /** Says that the player is there. False where the replay is gone. */
  heard(captureId: number, progress: ReplayProgress | null, now: number): boolean;
  /** Ids of replays that are not over. */
  listOpen(): number[];
}
