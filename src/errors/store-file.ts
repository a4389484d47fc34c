import { StoreError } from './base.ts';

/** The store was made by a newer version of this library. It can be opened with `readOnly`. */
export class NewerSchemaError extends StoreError {
  override readonly name = 'NewerSchemaError';
  readonly code = 'NEWER_SCHEMA';
  override readonly hint = 'Upgrade codewhale-store, or open the store read-only.';

  readonly storeVersion: number;
  readonly supportedVersion: number;

  constructor(storeVersion: number, supportedVersion: number) {
    super(
      `the store has schema version ${storeVersion}, newer than the supported version ${supportedVersion}`,
    );
    this.storeVersion = storeVersion;
    this.supportedVersion = supportedVersion;
  }
}

/** The store was made by an older version, and opened read-only it cannot be brought up to date. */
export class OlderSchemaError extends StoreError {
  override readonly name = 'OlderSchemaError';
  readonly code = 'OLDER_SCHEMA';
  override readonly hint = 'Open the store once for writing: that brings it up to date.';

  readonly storeVersion: number;
  readonly supportedVersion: number;

  constructor(storeVersion: number, supportedVersion: number) {
    super(
      `the store has schema version ${storeVersion}, older than the version ${supportedVersion} that is read`,
    );
    this.storeVersion = storeVersion;
    this.supportedVersion = supportedVersion;
  }
}

/** The file is not a store, is damaged, or is encrypted with another key. It was left as it is. */
export class DamagedStoreError extends StoreError {
  override readonly name = 'DamagedStoreError';
  readonly code = 'STORE_DAMAGED';
  override readonly hint: string;

  constructor(message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.hint = options.hint ?? DAMAGED_HINT;
  }
}

const DAMAGED_HINT =
  'Check the path and the encryption key. If both are right, run "codewhale-store doctor --repair": it keeps ' +
  'the file and makes a new store of what can be read. Or "codewhale-store restore FILE" puts a backup in its place.';

/** The path cannot be used as a store: a directory, a symbolic link, or not accessible. */
export class StorePathError extends StoreError {
  override readonly name = 'StorePathError';
  readonly code = 'STORE_PATH';
  override readonly hint: string;

  constructor(message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.hint = options.hint ?? '';
  }
}

/** Others held the write lock until the deadline passed. Nothing was written. */
export class BusyError extends StoreError {
  override readonly name = 'BusyError';
  readonly code = 'BUSY';
  override readonly retryable = true;
  override readonly hint =
    'End what holds the store, or try again. If that is a transaction of this process: inside it, use the ' +
    'handle that it was given, and no other store object of the same file.';
}

/** The store, or the file under it, cannot be written. */
export class ReadOnlyError extends StoreError {
  override readonly name = 'ReadOnlyError';
  readonly code = 'READ_ONLY';
  override readonly hint =
    'Open the store for writing, as a user who may write its file and folder.';
}

/** The disk is full. What was acknowledged before is safe, reads go on. */
export class DiskFullError extends StoreError {
  override readonly name = 'DiskFullError';
  readonly code = 'DISK_FULL';
  override readonly retryable = true;
  override readonly hint = 'Free some space and try again.';
}

/** The operating system failed to read or write. Whether the write is on disk is not known. */
export class DiskError extends StoreError {
  override readonly name = 'DiskError';
  readonly code = 'DISK_ERROR';
  override readonly hint = 'See to the disk; then run "codewhale-store doctor".';
}

/** A file or folder beside the store cannot be read, made or written. */
export class FileSystemError extends StoreError {
  override readonly name = 'FileSystemError';
  readonly code = 'FILE_SYSTEM';

  constructor(message: string, cause: unknown) {
    const reason = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    super(message + reason, { cause });
  }
}

/** The store, or the handle that was used, is closed. */
export class ClosedError extends StoreError {
  override readonly name = 'ClosedError';
  readonly code = 'CLOSED';
}

/** The database refused a statement for a reason that is a bug of this library. */
export class DatabaseError extends StoreError {
  override readonly name = 'DatabaseError';
  readonly code = 'DATABASE';
}
