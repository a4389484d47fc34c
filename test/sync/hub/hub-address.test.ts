import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../../src/errors.ts';
import { hubAddress } from '../../../src/sync/hub/hub-address.ts';

describe('hubAddress', () => {
  it.each([
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080', '127.0.0.1:8080'],
    ['https://hub.example/', 'https://hub.example', 'hub.example'],
    ['libsql://hub.example', 'https://hub.example', 'hub.example'],
    ['libsql://hub.example:8443/team/a/', 'https://hub.example:8443/team/a', 'hub.example:8443'],
    ['http://[::1]:8080/dev/ns/', 'http://[::1]:8080/dev/ns', '[::1]:8080'],
  ])('takes %s', (url, base, host) => {
    expect(hubAddress(url)).toEqual({ base, host });
  });

  it.each([
    'hub.example',
    'hub.example:8080',
    '',
    'file:///hub.db',
    'ftp://hub.example',
    'libsql:///x',
  ])('refuses %j', (url) => {
    expect(() => hubAddress(url)).toThrow(InvalidInputError);
  });

  it('says what to write in place of a WebSocket address', () => {
    expect(() => hubAddress('wss://hub.example')).toThrow('https:// in place of wss://');
    expect(() => hubAddress('ws://hub.example')).toThrow('http:// in place of ws://');
  });

  it.each([
    'https://name:secret@hub.example',
    'https://secret@hub.example',
    'https://hub.example?authToken=secret',
    'libsql://hub.example/?authToken=secret',
    'https://hub.example#secret',
  ])('refuses a secret in it (%s) without repeating it', (url) => {
    expect(() => hubAddress(url)).toThrow(InvalidInputError);
    expect(() => hubAddress(url)).not.toThrow(/secret/);
  });
});
