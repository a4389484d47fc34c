import {
  HubAccessError,
  HubBusyError,
  HubRefusedError,
  HubTooLargeError,
  HubUnreachableError,
  type StoreError,
} from '../../errors.ts';

/** Passing states of the hub: a lock, an administrator's block. */
const busy = /^(SQLITE_(BUSY|LOCKED)|TRANSACTION_(TIMEOUT|BUSY)|STREAM_EXPIRED|BLOCKED)/;
const tooLarge = /^(RESPONSE_TOO_LARGE|SQLITE_TOOBIG)/;
const DISK_HINT =
  'Free some space where the hub keeps its data. What is here stays, and is sent then.';
const aboutSize = /too (big|large|long)|exceed/i;

/** What a failed statement or a refused request means, by the code of sqld and of SQLite. */
export function statementFailure(code: string, message: string): StoreError {
  const disk = /^SQLITE_(FULL|IOERR)/.exec(code)?.[1];
  if (disk !== undefined) {
    const what = disk === 'FULL' ? 'is full' : 'cannot be read or written, or is full';
    return new HubBusyError(`the disk of the hub ${what} (${code})`, undefined, {
      hint: DISK_HINT,
    });
  }
  if (busy.test(code)) return new HubBusyError(`the hub cannot do this now (${code})`);
  if (tooLarge.test(code) || (code === 'ARGS_INVALID' && aboutSize.test(message))) {
    return new HubTooLargeError(`a value or the answer passes a limit of the hub (${code})`);
  }
  if (/^AUTH|^SQLITE_(READONLY|AUTH)/.test(code)) {
    return new HubAccessError(`the hub does not allow this (${code})`);
  }
  // The messages of SQLite name tables and columns, never content.
  return new HubRefusedError(`the hub refused a statement: ${message} (${code})`);
}

/** What an HTTP status other than 200 means. Its body is not looked at: a proxy may have made it. */
export function statusFailure(
  status: number,
  headers: Headers,
  host: string,
  hasToken = true,
): StoreError {
  const answered = `${host} answered with status ${status}`;
  if (status === 401 && !hasToken) {
    return new HubAccessError(`${host} wants a token, and none was given (401)`);
  }
  if (status === 401) return new HubAccessError(`${host} does not accept the token (401)`);
  if (status === 403)
    return new HubAccessError(`the token has no right to do this on ${host} (403)`);
  if (status === 413) return new HubTooLargeError(answered);
  if (status === 429 || status === 503) return new HubBusyError(answered, retryAfterMs(headers));
  if (status === 408 || status >= 500) return new HubUnreachableError(answered);
  const redirect = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
  return new HubRefusedError(answered + redirect);
}

/** `Retry-After` is a number of seconds or a date. */
function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after');
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** No connection, a broken one, or none in time. The message of `cause` may hold an address. */
export function networkFailure(host: string, cause: unknown): HubUnreachableError {
  return new HubUnreachableError(`no answer from ${host}${reasonOf(cause)}`, { cause });
}

/** `fetch` wraps what went wrong, and wraps several addresses of one name once more. */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = inner instanceof Error && 'code' in inner ? inner.code : undefined;
  return typeof code === 'string' ? ` (${code})` : '';
}
