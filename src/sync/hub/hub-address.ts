import { InvalidInputError } from '../../errors.ts';

export interface HubAddress {
  /** `http:` or `https:`, with the path prefix and without a slash at the end. */
  readonly base: string;
  /** Host and port: the only part of the address that messages and logs may show. */
  readonly host: string;
}

const schemes: ReadonlyMap<string, string> = new Map([
  ['http:', 'http:'],
  ['https:', 'https:'],
  ['libsql:', 'https:'],
]);

/**
 * Reads the address of a hub: `https://host/prefix`, `http://…`, or `libsql://…`, which means https.
 *
 * @throws `InvalidInputError` another scheme, or something in it that is a secret: the message
 *   never repeats the address
 */
export function hubAddress(url: string): HubAddress {
  const given = URL.canParse(url) ? new URL(url) : undefined;
  if (!given) throw new InvalidInputError('the address of the hub is not a URL');
  if (given.username !== '' || given.password !== '') {
    throw new InvalidInputError(
      'the address of the hub holds a name or a password: use a token file',
    );
  }
  if (given.search !== '' || given.hash !== '') {
    throw new InvalidInputError(
      'the address of the hub has a "?" or "#" part: a token belongs into the token file',
    );
  }
  const scheme = schemes.get(given.protocol);
  if (scheme === undefined) {
    const hint = /^wss?:$/.test(given.protocol) ? `; write ${httpInPlaceOf(given.protocol)}` : '';
    throw new InvalidInputError(`the hub is reached over http:// or https://${hint}`);
  }
  if (given.host === '') throw new InvalidInputError('the address of the hub names no host');
  // Setting `protocol` is ignored between special and other schemes: the address is put together anew.
  const { host, pathname, origin } = new URL(`${scheme}//${given.host}${given.pathname}`);
  return { base: origin + pathname.replace(/\/+$/, ''), host };
}

function httpInPlaceOf(protocol: string): string {
  return protocol === 'ws:' ? 'http:// in place of ws://' : 'https:// in place of wss://';
}
