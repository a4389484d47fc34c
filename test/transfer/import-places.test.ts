import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Driver from 'libsql';
import { expect, it } from 'vitest';
import { clonedFrom, writeBelow } from '../support/git-repository.ts';
import { tempFolder, tempStore } from '../support/temp-store.ts';

it('an import notes where the folders of its sessions lie, for the other machines', async () => {
  const clone = tempFolder();
  writeBelow(clone, '.git/config', clonedFrom('git@git.example:org/proj.git'));
  const workspace = join(clone, 'packages', 'x');
  mkdirSync(workspace, { recursive: true });
  const home = tempFolder();
  mkdirSync(join(home, 'sessions'));
  const metadata = {
    id: '5d0d3c1e-0000-4000-8000-000000000001',
    title: 'loader',
    created_at: '2026-08-18T09:15:02Z',
    updated_at: '2026-08-18T09:15:02Z',
    message_count: 0,
    total_tokens: 0,
    model: 'm',
    workspace,
  };
  const session = { schema_version: 1, metadata, messages: [] };
  writeFileSync(join(home, 'sessions', `${metadata.id}.json`), JSON.stringify(session));
  const store = await tempStore();
  const report = await store.import([home]);
  expect(report.byKind['sessions']?.imported).toBe(1);
  const driver = new Driver(store.path);
  const rows = driver.prepare('select path, remote, relative_path from workspaces').all();
  expect(rows).toEqual([
    expect.objectContaining({
      path: workspace,
      remote: 'git.example/org/proj',
      relative_path: 'packages/x',
    }),
  ]);
  await store.import([home]);
  expect(driver.prepare('select count(*) as n from workspaces').get()).toMatchObject({ n: 1 });
});
