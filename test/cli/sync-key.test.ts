import { expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { startSqld } from '../support/sqld.ts';
import { setupCli } from './run-cli.ts';

it('where there is no key, nothing that could pass for one is printed', async () => {
  const cli = await setupCli();
  const store = await openStore({ path: cli.db });
  const off = await cli.run('sync', 'key');
  expect(off).toMatchObject({ code: 1, stdout: '' });
  expect(off.stderr).toContain('sync is off');

  const { url } = await startSqld();
  await store.sync.enable(url, { encryption: false, name: 'desk', pull: 'http' });
  await store.close();
  const inClear = await cli.run('sync', 'key');
  expect(inClear).toMatchObject({ code: 1, stdout: '' });
  expect(inClear.stderr).toContain('not encrypted');
});
