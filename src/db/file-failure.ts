import { DiskFullError, FileSystemError, type StoreError } from '../errors.ts';

/** What systems say where there is no room: on the disk, or within what this user may use of it. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** Whether an error is one of the operating system's. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

/**
 * A failure of the operating system in this library's words.
 *
 * @param message - what could not be done
 */
export function fileFailure(message: string, cause: unknown): StoreError {
  const full = isSystemError(cause) && FULL.has(String(cause.code));
  return full
    ? new DiskFullError(`${message}: the disk is full`, { cause })
    : new FileSystemError(message, cause);
}
