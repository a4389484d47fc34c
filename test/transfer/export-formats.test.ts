import { readFileSync, readdirSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fenced, folded, plain, prose } from '../../src/transfer/export/markdown-text.ts';
import { exportFrom, importInto, readLines, workIn } from '../support/export-tools.ts';
import { legacyHome } from '../support/legacy-home.ts';
import { canonical, member, readJson } from '../support/lossless-json.ts';
import { tempFolder } from '../support/temp-store.ts';

describe('exportStore, jsonl', () => {
  it('writes a line a record, with the exact text of what was imported', async () => {
    const folder = tempFolder();
    const [store, dir] = [join(folder, 'a.db'), join(folder, 'out')];
    const { home, manifest } = legacyHome('--seed', '3', '--sessions', '6', '--events', '60');
    await importInto(store, home);
    const report = await exportFrom(store, dir, { format: 'jsonl' });

    for (const kind of ['tasks', 'events', 'items', 'automations', 'audit', 'state.messages']) {
      expect([kind, readLines(dir, `${kind}.jsonl`).length]).toEqual([
        kind,
        manifest.kinds[kind]?.importable,
      ]);
      expect(report.byKind[kind]).toBe(manifest.kinds[kind]?.importable);
    }
    for (const line of readFileSync(join(dir, 'tasks.jsonl'), 'utf8').trim().split('\n')) {
      const record = readJson(line);
      const id = member(record, 'id');
      if (id?.type !== 'string') throw new Error('a line has no id');
      const file = readFileSync(join(home, `tasks/tasks/${id.value}.json`), 'utf8');
      const body = member(record, 'body');
      expect(body && canonical(body)).toBe(canonical(readJson(file)));
    }
    for (const artifact of readLines(dir, 'artifacts.jsonl')) {
      const file = artifact['file'] as string;
      const digest = createHash('sha256')
        .update(readFileSync(join(dir, file)))
        .digest('hex');
      expect(file).toBe(`artifacts/${digest}`);
    }
  });

  it('writes one session with its messages only', async () => {
    const folder = tempFolder();
    const [store, dir] = [join(folder, 'a.db'), join(folder, 'out')];
    await workIn(store, async (s) => {
      await s.sessions.create({ id: 's1', workspace: '/w' });
      await s.sessions.create({ id: 's2', workspace: '/w' });
      await s.sessions.appendMessages('s1', [{ role: 'user', content: 'a\u0000b' }]);
      await s.sessions.appendMessages('s2', [{ role: 'user', content: 'other' }]);
      await s.tasks.create({ prompt: 'p' });
    });
    const { byKind } = await exportFrom(store, dir, { format: 'jsonl', session: 's1' });
    expect(byKind).toEqual({ session_messages: 1, sessions: 1 });
    const [message] = readLines(dir, 'session_messages.jsonl');
    expect(message).toMatchObject({
      kind: 'session_messages',
      sessionId: 's1',
      body: { content: [{ type: 'text', text: 'a\u0000b' }] },
    });
    expect(message?.['createdAt']).toMatch(/^2026-08-20T13:\d\d:00\.000Z$/);
  });
});

describe('exportStore, markdown', () => {
  it('writes a transcript of the current branch and an index', async () => {
    const folder = tempFolder();
    const [store, dir] = [join(folder, 'a.db'), join(folder, 'out')];
    await workIn(store, async (s) => {
      await s.sessions.create({ id: 'a:b', workspace: '/w', title: 'a | [title] <b>' });
      const [ask] = await s.sessions.appendMessages('a:b', [
        { role: 'user', content: 'why?\n```\nopen' },
        { role: 'assistant', content: [{ type: 'text', text: 'the other way' }] },
      ]);
      const parent = ask ?? null;
      const blocks = [
        { type: 'text', text: 'look <!-- here' },
        { type: 'tool_use', id: 'c', name: 'exec', input: { command: '```' } },
        { type: 'tool_result', tool_use_id: 'c', content: 'a ```` b\n</details>' },
      ];
      await s.sessions.appendMessages('a:b', [{ role: 'assistant', content: blocks }], { parent });
    });
    const report = await exportFrom(store, dir, { format: 'markdown' });
    expect(report.byKind).toEqual({ session_messages: 2, sessions: 1 });
    expect(report.skipped).toEqual([
      { kind: 'session_messages', reason: 'other_branch', count: 1 },
    ]);
    const [name = ''] = readdirSync(join(dir, 'sessions'));
    expect(name).toMatch(/^a_b-[0-9a-f]{8}\.md$/);
    const index = readFileSync(join(dir, 'index.md'), 'utf8');
    expect(index).toContain(`[a \\| \\[title\\] &lt;b&gt;](sessions/${name}) | /w | 2 |`);
    const text = readFileSync(join(dir, 'sessions', name), 'utf8');
    expect(text).toContain('# a \\| \\[title\\] &lt;b&gt;\n');
    expect(text).toContain('why?\n```\nopen\n```\n');
    expect(text).toContain('look &lt;!-- here');
    expect(text).toContain('<summary>Tool call: exec</summary>\n\n````json\n');
    expect(text).toContain('`````\na ```` b\n</details>\n`````');
    expect(text).not.toContain('the other way');
  });

  it('renders a generated home whole', async () => {
    const folder = tempFolder();
    const [store, dir] = [join(folder, 'a.db'), join(folder, 'out')];
    const { home, manifest } = legacyHome('--seed', '11', '--events', '0', '--tasks', '0');
    await importInto(store, home);
    const report = await exportFrom(store, dir, { format: 'markdown' });
    const count = manifest.kinds['sessions']?.importable ?? 0;
    expect(report.byKind['sessions']).toBe(count);
    expect(readdirSync(join(dir, 'sessions'))).toHaveLength(count);
  });
});

describe('markdown text', () => {
  it('fences text longer than any run of backticks in it', () => {
    expect(fenced('x')).toBe('```\nx\n```');
    expect(fenced('a ````` b')).toBe('``````\na ````` b\n``````');
  });

  it('ends a fence that a message left open, and no other', () => {
    expect(prose('a\n~~~~\nb')).toBe('a\n~~~~\nb\n~~~~');
    expect(prose('```js\nx\n```\nb')).toBe('```js\nx\n```\nb');
  });

  it('lets no markup out of titles and summaries', () => {
    expect(plain('a\nb <script>')).toBe('a b &lt;script&gt;');
    expect(folded('a\n</summary>', 'x')).toContain('<summary>a &lt;/summary&gt;</summary>');
  });
});
