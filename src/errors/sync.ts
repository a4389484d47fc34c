import { StoreError } from './base.ts';

/** No answer from the hub in time, or a broken one. What was sent may have been applied. */
export class HubUnreachableError extends StoreError {
  override readonly name = 'HubUnreachableError';
  readonly code = 'HUB_UNREACHABLE';
  override readonly retryable = true;
  override readonly hint: string =
    'Changes stay in the local store and are sent once the hub answers.';
}

/** There was no answer when sync was to be turned on: it is as it was before. */
export class HubNotReachedError extends HubUnreachableError {
  override readonly hint =
    'Nothing was turned on or changed. See that the hub runs and that its address is right, and try again.';
}

/** There was no answer to what is asked of the hub itself. */
export class HubNotAskedError extends HubUnreachableError {
  override readonly hint =
    'This is done at the hub, and is not queued: run it again when the hub answers.';
}

/** The hub asks to wait. */
export class HubBusyError extends StoreError {
  override readonly name = 'HubBusyError';
  readonly code = 'HUB_BUSY';
  override readonly retryable = true;
  /** How long the hub asks to wait, in milliseconds; undefined where it did not say. */
  readonly retryAfterMs: number | undefined;
  override readonly hint: string;

  constructor(
    message: string,
    retryAfterMs?: number,
    options: ErrorOptions & { readonly hint?: string } = {},
  ) {
    super(message, options);
    this.retryAfterMs = retryAfterMs;
    this.hint = options.hint ?? '';
  }
}

/** The hub does not accept the token: it is missing, wrong or expired, or may not do this. */
export class HubAccessError extends StoreError {
  override readonly name = 'HubAccessError';
  readonly code = 'HUB_ACCESS';
  override readonly hint =
    'Make a token with "codewhale-store hub token" beside the hub, and give its file to "sync enable" with ' +
    '--token-file.';
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
  override readonly hint: string =
    'Check the address of the hub. If it is right, look who has a token for it: its tables are not as a device made them. ' +
    'An empty hub at the same address is filled again by the first device that comes.';
}

/** Whatever answers at the address, it is no sqld. Nothing was sent to it, and sync is as it was. */
export class NotAHubError extends HubRefusedError {
  override readonly hint =
    'Give the address that "codewhale-store hub start" printed, or that of the server that runs sqld.';
}

/** The hub answers, and takes no entry from anybody: it is damaged, or somebody changed its tables. */
export class HubTakesNothingError extends HubRefusedError {
  override readonly hint =
    'Look after the database of the hub, and who has a token for it. Nothing was set aside: what is here is sent ' +
    'by itself once the hub takes it.';
}

/** The hub is used by newer versions of this library. Nothing was sent. */
export class HubNewerError extends StoreError {
  override readonly name = 'HubNewerError';
  readonly code = 'HUB_NEWER';
  override readonly hint =
    'Upgrade codewhale-store on this machine. If no newer version is in use, somebody wrote to the hub: look who has a ' +
    'token for it, and start an empty one at the same address, which the first device that comes fills again.';
}

/** The address leads to the hub of another store. Nothing was sent, nothing was read. */
export class HubForeignError extends StoreError {
  override readonly name = 'HubForeignError';
  readonly code = 'HUB_FOREIGN';
  override readonly hint =
    'Check the address; to leave the former hub for this one, run "codewhale-store sync enable URL --join".';
}

/**
 * The hub has lost the row that says whose it is, and what is still there is not known to this device.
 * Nothing was sent, and nothing of it was taken away.
 */
export class HubLostError extends StoreError {
  override readonly name = 'HubLostError';
  readonly code = 'HUB_LOST';
  override readonly hint =
    'A device that was in step with it sets it right: run "codewhale-store sync now" there. If there is none, "codewhale-store sync enable URL --join" empties the hub and begins anew with what is here.';
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

/** Encryption was refused for a group that has a key. Nothing was sent or changed. */
export class EncryptedGroupError extends SyncKeyError {
  constructor(message: string) {
    super(
      message,
      'Enable sync without --no-encryption: the key is here. To go on in clear all the same, begin a new group at an empty hub, with --no-encryption --join.',
    );
  }
}

/** This device was revoked. Local work goes on; nothing is exchanged any more. */
export class DeviceRevokedError extends StoreError {
  override readonly name = 'DeviceRevokedError';
  readonly code = 'DEVICE_REVOKED';
  override readonly hint =
    'To come back as a new device, enable sync with a new token: "codewhale-store hub token" makes one. ' +
    '"codewhale-store task hand-over ID DEVICE --lost" then brings a task here that it ran.';
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
