import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  lchownSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { hub, openStore, rebuildStore, restoreStore } from '../../../src/index.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { fillStore, pagesOf, spoilPage } from './damage.ts';

/** A folder with somebody's file in it, and how it must stay. */
function outside() {
  const folder = tempFolder();
  const file = join(folder, 'precious');
  writeFileSync(file, 'mine');
  return {
    folder,
    file,
    untouched: () => {
      expect(readdirSync(folder)).toEqual(['precious']);
      expect(readFileSync(file, 'utf8')).toBe('mine');
      expect(lstatSync(file).nlink).toBe(1);
    },
  };
}

// Row 33 of the fault matrix.
describe('a symbolic link', () => {
  it.each(['', '-wal', '-shm', '.creating'])(
    'in the place of store.db%s is refused, whether or not it leads anywhere',
    async (suffix) => {
      for (const name of ['precious', 'nothing']) {
        const path = join(tempFolder(), 'store.db');
        if (suffix !== '' && suffix !== '.creating') await (await openStore({ path })).close();
        const { folder, untouched } = outside();
        if (existsSync(path + suffix)) continue;
        symlinkSync(join(folder, name), path + suffix);
        for (const readOnly of [false, true]) {
          await expect(openStore({ path, readOnly })).rejects.toMatchObject({ code: 'STORE_PATH' });
        }
        await expect(rebuildStore(path)).rejects.toMatchObject({ code: 'STORE_PATH' });
        untouched();
      }
    },
  );

  it('on the way to the store is followed: a home may lie on another disk', async () => {
    const disk = tempFolder();
    const home = join(tempFolder(), '.codewhale');
    symlinkSync(disk, home);
    const store = await openStore({ path: join(home, 'store', 'store.db') });
    onTestFinished(() => store.close());
    await store.sessions.create({ title: 'there', workspace: '/w' });
    expect(existsSync(join(disk, 'store', 'store.db'))).toBe(true);
    // Nowhere to, it is not: a folder is not made behind the link.
    const gone = join(tempFolder(), '.codewhale');
    symlinkSync(join(disk, 'unmounted'), gone);
    await expect(openStore({ path: join(gone, 'store.db') })).rejects.toMatchObject({
      code: 'STORE_PATH',
    });
    expect(existsSync(join(disk, 'unmounted'))).toBe(false);
  });

  it('that another user made is not followed', async () => {
    const { folder, untouched } = outside();
    const home = join(tempFolder(), 'home');
    symlinkSync(folder, home);
    lchownSync(home, 65534, 65534);
    await expect(openStore({ path: join(home, 'store.db') })).rejects.toMatchObject({
      code: 'STORE_PATH',
    });
    untouched();
  });

  it('in the place of a backup or an export is refused', async () => {
    const store = await openStore({ path: join(tempFolder(), 'store.db') });
    onTestFinished(() => store.close());
    await store.sessions.create({ title: 'x', workspace: '/w' });
    const { folder, file, untouched } = outside();
    const links = tempFolder();
    for (const target of [file, join(folder, 'nothing')]) {
      const link = join(links, `to-${target === file ? 'file' : 'nothing'}`);
      symlinkSync(target, link);
      await expect(store.backup(link)).rejects.toMatchObject({ code: 'CONFLICT' });
    }
    symlinkSync(folder, join(links, 'export'));
    await expect(
      store.export(join(links, 'export'), { format: 'jsonl', force: true }),
    ).rejects.toMatchObject({ code: 'CONFLICT' });
    const made = join(links, 'made');
    mkdirSync(made);
    symlinkSync(folder, join(made, 'sessions'));
    await expect(store.export(made, { format: 'legacy', force: true })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    untouched();
  });

  it('in the place of a file that is made and replaced is replaced, not written through', async () => {
    const folder = tempFolder();
    const path = join(folder, 'store.db');
    await fillStore(path);
    const store = await openStore({ path });
    const { file } = await store.backup(join(folder, 'backup.db'));
    await store.close();
    spoilPage(path, pagesOf(path, 'sqlite_autoindex_tasks_1')[0] as number);
    const { file: precious, untouched } = outside();
    for (const name of ['restoring', 'rebuilding', 'salvaging']) {
      symlinkSync(precious, `${path}.${name}`);
    }
    await rebuildStore(path);
    await restoreStore(file, path);
    untouched();
  });

  it('in the folder of a hub is replaced or refused, not written through', async () => {
    const dir = tempFolder();
    await hub.init({ dir });
    const { file: precious, untouched } = outside();
    mkdirSync(join(dir, 'tokens'), { recursive: true });
    symlinkSync(precious, join(dir, 'tokens', 'laptop.jwt'));
    await hub.token({ dir, device: 'laptop' }).catch((error: unknown) => {
      expect(error).toMatchObject({
        code: expect.stringMatching(/CONFLICT|FILE_SYSTEM|HUB/) as string,
      });
    });
    untouched();
  });
});
