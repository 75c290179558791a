import { AppError, isAppError, messageOf } from '../core/errors.ts';

/** The system's name of a failure (`ENOSPC`, …); null for anything else that was thrown. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Whether a file or folder was not there. */
export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT';
}

/**
 * What went wrong on the disk, as one sentence that names the path. An AppError is passed on as it is.
 * @param doing for example `write the record in` or `read`.
 */
export function diskFailure(error: unknown, doing: string, path: string): AppError {
  if (isAppError(error)) return error;
  const code = errnoOf(error) ?? '';
  switch (code) {
    case 'ENOSPC':
      return new AppError('store_unusable', `The disk is full: cannot ${doing} ${path}`, {
        hint: 'Free some space; a capture that is still running continues from what was saved.',
        cause: error,
      });
    case 'EDQUOT':
      return new AppError('store_unusable', `The disk quota is used up: cannot ${doing} ${path}`, {
        cause: error,
      });
    case 'EFBIG':
      return new AppError(
        'store_unusable',
        `The file size limit is reached: cannot ${doing} ${path}`,
        {
          hint: 'See the shell\'s "ulimit -f".',
          cause: error,
        },
      );
    case 'EACCES':
    case 'EPERM':
      return new AppError('store_unusable', `No permission to ${doing} ${path}`, { cause: error });
    case 'EROFS':
      return new AppError('store_unusable', `The disk is read-only: cannot ${doing} ${path}`, {
        cause: error,
      });
    case 'ENOENT':
      return new AppError('store_unusable', `Cannot ${doing} ${path}: it is gone`, {
        cause: error,
      });
    case 'EIO':
      return new AppError('store_unusable', `The disk failed: cannot ${doing} ${path}`, {
        cause: error,
      });
    default:
      return new AppError(
        'store_unusable',
        `Cannot ${doing} ${path} (${code === '' ? messageOf(error) : code})`,
        { cause: error },
      );
  }
}

/** The same; what is no failure of the system's is passed on, as a fault of ours is. */
export function failureOf(error: unknown, doing: string, path: string): Error {
  const isOther = error instanceof Error && errnoOf(error) === null;
  return isOther ? error : diskFailure(error, doing, path);
}

/** The record contradicts itself or what was committed of it. */
export function damaged(path: string, what: string, cause?: unknown): DamagedRecord {
  return new DamagedRecord(path, what, cause);
}

export class DamagedRecord extends AppError {
  /** What is wrong, without the folder. */
  readonly what: string;

  constructor(path: string, what: string, cause?: unknown) {
    super('store_unusable', `The record in ${path} is damaged: ${what}`, { cause });
    this.what = what;
  }
}
