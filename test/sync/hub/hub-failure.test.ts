import { expect, it } from 'vitest';
import { statementFailure, statusFailure } from '../../../src/sync/hub/hub-failure.ts';

it('a hub whose disk is full is told as that, with what to do', () => {
  for (const code of ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_IOERR_WRITE']) {
    expect(statementFailure(code, '')).toMatchObject({
      code: 'HUB_BUSY',
      retryable: true,
      message: expect.stringMatching(/the disk of the hub .*full/) as string,
      hint: expect.stringContaining('Free some space') as string,
    });
  }
});

it('a token that was not given is not called one that is not accepted', () => {
  const of = (hasToken: boolean) => statusFailure(401, new Headers(), 'host', hasToken).message;
  expect(of(false)).toBe('host wants a token, and none was given (401)');
  expect(of(true)).toBe('host does not accept the token (401)');
});
