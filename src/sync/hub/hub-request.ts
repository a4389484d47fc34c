import { HubAccessError } from '../../errors.ts';
import type { HubAddress } from './hub-address.ts';
import { networkFailure, statusFailure } from './hub-failure.ts';

/** Asked anew for every request, so that a renewed token file is picked up. */
export type TokenSource = () => Promise<string | undefined> | string | undefined;

/**
 * Sends one request with the bearer token and returns the answer with status 200. After a 401 the
 * token is read once more, and where it has changed the request is sent once more.
 *
 * @throws what `Hub.run` throws, for every other status and for a broken connection
 */
export async function request(
  hub: HubAddress,
  path: string,
  init: RequestInit,
  token: TokenSource,
): Promise<Response> {
  const first = await token();
  let response = await send(hub, path, init, first);
  if (response.status === 401) {
    const renewed = await token();
    if (renewed !== first) {
      await discard(response);
      response = await send(hub, path, init, renewed);
    }
  }
  if (response.status === 200) return response;
  await discard(response);
  throw statusFailure(response.status, response.headers, hub.host, first !== undefined);
}

async function send(
  hub: HubAddress,
  path: string,
  init: RequestInit,
  token: string | undefined,
): Promise<Response> {
  const headers = new Headers({
    'content-type': 'application/json',
    // Payloads are compressed and sealed already: sqld takes 0.4 s to gzip 1 MB of them, 4 s with
    // brotli, which `fetch` prefers over https, and 0.01 s to send them as they are.
    'accept-encoding': 'identity',
    ...bearer(token),
  });
  try {
    return await fetch(hub.base + path, { ...init, headers, redirect: 'manual' });
  } catch (error) {
    throw networkFailure(hub.host, error);
  }
}

function bearer(token: string | undefined): Record<string, string> {
  if (token === undefined) return {};
  const text = token.trim();
  // Checked here: the error of `Headers` would repeat the token.
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new HubAccessError(
      'the token for the hub is empty or holds characters that no token has',
    );
  }
  return { authorization: `Bearer ${text}` };
}

/** Frees the connection of an answer that nobody reads. */
async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}
