import { AppError } from '../core/errors.ts';
import type { ReplayPlayer } from '../core/replays/replay-player.ts';

const NOT_YET = 'Replays are not part of this version yet';

/** Plays records. */
export const player: ReplayPlayer = {
  plan: () => {
    throw new AppError('invalid', NOT_YET);
  },
  play: () => {
    throw new AppError('invalid', NOT_YET);
  },
};
