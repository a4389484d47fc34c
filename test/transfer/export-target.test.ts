import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { ExportTarget } from '../../src/transfer/export/export-target.ts';
import {
  legacyId,
  plainFileName,
  sessionFileName,
} from '../../src/transfer/export/legacy-names.ts';
import { exportFrom, filesBelow, importInto, workIn } from '../support/export-tools.ts';
import { tempFolder } from '../support/temp-store.ts';

describe('the folder of an export', () => {
  let folder: string;
  let store: string;

  beforeEach(async () => {
    folder = tempFolder();
    store = join(folder, 'a.db');
    await workIn(store, (s) => s.sessions.create({ id: 's1', workspace: '/w' }));
  });

  it('is made private, and may be there already when it is empty', async () => {
    const dir = join(folder, 'deep', 'out');
    await exportFrom(store, dir);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, 'sessions')).mode & 0o777).toBe(0o700);
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    chmodSync(empty, 0o755);
    expect((await exportFrom(store, empty)).files).toBe(1);
    expect(statSync(empty).mode & 0o777).toBe(0o755);
  });

  it('is refused where no folder can be made, at once', async () => {
    // Node's own recursive mkdir never returns from this one.
    await expect(exportFrom(store, '/proc/none/out')).rejects.toMatchObject({
      code: 'FILE_SYSTEM',
    });
    writeFileSync(join(folder, 'file'), '');
    await expect(exportFrom(store, join(folder, 'file', 'out'))).rejects.toMatchObject({
      code: 'FILE_SYSTEM',
    });
  });

  it('is refused when something is in it, and nothing is touched', async () => {
    const dir = join(folder, 'out');
    mkdirSync(dir);
    writeFileSync(join(dir, 'mine'), 'x');
    chmodSync(dir, 0o755);
    await expect(exportFrom(store, dir)).rejects.toMatchObject({
      code: 'CONFLICT',
      hint: expect.stringContaining('--force') as string,
    });
    expect(readdirSync(dir)).toEqual(['mine']);
    expect(statSync(dir).mode & 0o777).toBe(0o755);
    await exportFrom(store, dir, { force: true });
    expect(readFileSync(join(dir, 'mine'), 'utf8')).toBe('x');
    expect(existsSync(join(dir, 'sessions/s1.json'))).toBe(true);
  });

  it('is refused when it is a symbolic link or no folder', async () => {
    const [real, link] = [join(folder, 'real'), join(folder, 'link')];
    mkdirSync(real);
    symlinkSync(real, link);
    for (const dir of [link, store]) {
      await expect(exportFrom(store, dir, { force: true })).rejects.toMatchObject({
        code: 'CONFLICT',
      });
    }
    expect(readdirSync(real)).toEqual([]);
  });

  it('is never left through a link inside it', async () => {
    const [dir, outside] = [join(folder, 'out'), join(folder, 'outside')];
    mkdirSync(dir);
    mkdirSync(outside);
    writeFileSync(join(outside, 'victim'), 'x');
    symlinkSync(outside, join(dir, 'sessions'));
    await expect(exportFrom(store, dir, { force: true })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    const other = join(folder, 'other');
    mkdirSync(join(other, 'sessions'), { recursive: true });
    symlinkSync(join(outside, 'victim'), join(other, 'sessions/s1.json'));
    await exportFrom(store, other, { force: true });
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('x');
    expect(filesBelow(outside)).toHaveLength(1);
    expect(readFileSync(join(other, 'sessions/s1.json'), 'utf8')).toContain('"s1"');
  });

  it.each(['../x', 'a/../../x', '/etc/x', 'a//x', './x', 'a\0x', ''])(
    'has no place for %j',
    (path) => {
      const target = ExportTarget.open(join(folder, 'out'), false);
      expect(() => {
        target.write(path, 'x');
      }).toThrow('leads out');
    },
  );

  it('gives names that differ in the case of letters only to different files everywhere', () => {
    const target = ExportTarget.open(join(folder, 'out'), false);
    target.write('s/Abc.json', '1');
    target.write('s/abc.json', '2');
    const names = readdirSync(join(folder, 'out/s'));
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(2);
    expect(names).toContain('Abc.json');
    expect(target.files).toBe(2);
  });

  it('holds one session with all that belongs to it when only that was asked for', async () => {
    const home = join(folder, 'home');
    const files = {
      'sessions/s-1.json':
        '{"metadata":{"id":"s-1","title":"t","created_at":"2026-02-20T10:00:00Z","updated_at":"2026-02-20T10:00:00Z","message_count":0,"total_tokens":0,"model":"m","workspace":"/w"},"messages":[]}',
      'sessions/s-1/approval_receipts.jsonl':
        '{"phase":"asked","approval_id":"c","tool_call_id":"c","tool_name":"t","created_at":"2026-02-20T10:00:00Z"}\n',
      'sessions/s-1/artifacts/art_c.txt': 'bytes',
      'sessions/.goals/s-1.json': '{"objective":"o","status":"active"}',
      'audit.log': '{"ts":"2026-02-20T10:00:00Z","event":"e"}\n',
    };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(home, path, '..'), { recursive: true });
      writeFileSync(join(home, path), content);
    }
    await importInto(store, home);
    const dir = join(folder, 'out');
    await exportFrom(store, dir, { session: 's-1' });
    const paths = Object.keys(files).filter((path) => path !== 'audit.log');
    expect(filesBelow(dir).map(({ path }) => path)).toEqual(paths.sort());
  });

  it('says that there is no such session before it makes the folder', async () => {
    const dir = join(folder, 'out');
    await expect(exportFrom(store, dir, { session: 'none' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(existsSync(dir)).toBe(false);
  });
});

describe('names of records', () => {
  it('are their ids where those are plain, and never the same for two ids', () => {
    expect(legacyId('thr_0a1b2c3d')).toBe('thr_0a1b2c3d');
    expect(legacyId('thr_0a1b2c3d~9f8e7d6c')).toBe('thr_0a1b2c3d-9f8e7d6c');
    expect(plainFileName('task.1')).toBe('task.1');
    const odd = ['a:b', 'a~b', 'a_b', 'a.b', '../b', '..', 'a/b', 'a\\b', 'A_b '];
    for (const nameOf of [legacyId, plainFileName, sessionFileName]) {
      const names = odd.map(nameOf);
      expect(new Set(names).size).toBe(odd.length);
      for (const name of names) expect(name).toMatch(/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/);
    }
  });

  it('avoid those that mean something else in a home', () => {
    expect(sessionFileName('latest')).toMatch(/^latest-[0-9a-f]{8}$/);
    expect(sessionFileName('session_boot_owners')).not.toBe('session_boot_owners');
  });
});
