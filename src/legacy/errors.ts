import { StoreError } from '../errors.ts';

/** The path given as a legacy home does not exist or is no directory. Nothing was read. */
export class HomeNotFoundError extends StoreError {
  override readonly name = 'HomeNotFoundError';
  readonly code = 'HOME_NOT_FOUND';
  override readonly hint = 'Give the directory that holds sessions, tasks and state.db.';

  constructor(path: string, why: string) {
    super(`${path} ${why}`);
  }
}
