import { currentLeaf } from '../../areas/message-tree.ts';
import { SESSION_TREE } from '../../areas/session-rows.ts';
import { loadBody, type BodyColumns } from '../../db/bodies.ts';
import type { Reader } from '../../db/reader.ts';
import { formatTime } from '../../model/time.ts';
import {
  countDeleted,
  eachRow,
  live,
  type ExportContext,
  type RowQuery,
} from './export-context.ts';
import { plainFileName } from './legacy-names.ts';
import { fenced, folded, plain, prose } from './markdown-text.ts';

interface SessionRow {
  readonly id: string;
  readonly title: string;
  readonly workspace: string;
  readonly model: string;
  readonly parent_id: string | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly archived_at: number | null;
}

/** A transcript of every session (its current branch), and an index of them. */
export async function writeMarkdown(context: ExportContext): Promise<void> {
  const { session, target, counter } = context;
  if (session === undefined) await countDeleted(context, 'sessions', 'sessions');
  const index = target.lines('index.md');
  try {
    index.write(
      '# Sessions\n\n| Updated | Title | Workspace | Messages |\n| --- | --- | --- | ---: |',
    );
    const query: RowQuery<SessionRow> = {
      kind: 'sessions',
      columns: [
        'id',
        'title',
        'workspace',
        'model',
        'parent_id',
        'created_at',
        'updated_at',
        'archived_at',
      ],
      from: `from sessions s where ${live('s')}${session === undefined ? '' : ' and id = ?'}`,
      params: session === undefined ? [] : [session],
      key: 'id',
    };
    await eachRow(context, query, (reader, row) => {
      const path = `sessions/${plainFileName(row.id)}.md`;
      const length = writeTranscript(context, reader, row, path);
      const link = `[${plain(row.title) || plain(row.id)}](${path})`;
      index.write(
        `| ${formatTime(row.updated_at)} | ${link} | ${plain(row.workspace)} | ${length} |`,
      );
      counter.add('sessions');
    });
  } finally {
    index.close();
  }
}

/** Writes message by message: only one body is in memory. */
function writeTranscript(
  context: ExportContext,
  reader: Reader,
  row: SessionRow,
  path: string,
): number {
  const { branch, others } = currentBranch(reader, row.id);
  const file = context.target.lines(path);
  try {
    file.write(`${heading(row)}\n`);
    if (others > 0) file.write(`${others} messages of other branches are not shown.\n`);
    for (const id of branch) file.write(`${transcriptOf(reader, id)}\n`);
  } finally {
    file.close();
  }
  context.counter.add('session_messages', branch.length);
  context.counter.skip('session_messages', 'other_branch', others);
  return branch.length;
}

function heading(row: SessionRow): string {
  const facts: [string, string | null][] = [
    ['Session', row.id],
    ['Workspace', row.workspace],
    ['Model', row.model],
    ['Created', formatTime(row.created_at)],
    ['Updated', formatTime(row.updated_at)],
    ['Archived', formatTime(row.archived_at)],
    ['Forked from', row.parent_id],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value === null ? [] : [`- ${name}: ${plain(value)}`],
  );
  return `# ${plain(row.title)}\n\n${lines.join('\n')}`;
}

/** Ids from the first message to the end of the current branch. */
function currentBranch(reader: Reader, sessionId: string): { branch: string[]; others: number } {
  const rows = reader.list<{ id: string; parent_id: string | null }>(
    ['id', 'parent_id'],
    'from session_messages where session_id = ? order by number',
    [sessionId],
  );
  const parents = new Map(rows.map((row) => [row.id, row.parent_id]));
  const branch = new Set<string>();
  let at: string | null = currentLeaf(reader, SESSION_TREE, sessionId) ?? rows.at(-1)?.id ?? null;
  while (at !== null && parents.has(at) && !branch.has(at)) {
    branch.add(at);
    at = parents.get(at) ?? null;
  }
  return { branch: [...branch].toReversed(), others: rows.length - branch.size };
}

interface MessageRow extends BodyColumns {
  readonly role: string;
  readonly created_at: number | null;
}

function transcriptOf(reader: Reader, id: string): string {
  const row = reader.first<MessageRow>(
    ['role', 'created_at', 'body', 'body_hash'],
    'from session_messages where id = ?',
    [id],
  );
  if (!row) return '';
  const message = JSON.parse(loadBody(reader, row)) as { content?: unknown } | null;
  const content = message?.content;
  const blocks = Array.isArray(content) ? (content as unknown[]) : [content ?? ''];
  const at = row.created_at === null ? '' : ` · ${formatTime(row.created_at)}`;
  return `## ${plain(row.role)}${at}\n\n${blocks.map(block).join('\n\n')}`;
}

/** One block of a message: text as it is, everything else folded away. */
function block(value: unknown): string {
  if (typeof value === 'string') return prose(value);
  const part = (typeof value === 'object' ? value : null) as Record<string, unknown> | null;
  const type = text(part?.['type']);
  switch (type) {
    case 'text':
      return prose(text(part?.['text']));
    case 'thinking':
      return folded('Thinking', fenced(text(part?.['thinking'])));
    case 'tool_use':
    case 'server_tool_use':
      return folded(`Tool call: ${text(part?.['name'])}`, json(part?.['input']));
    case 'tool_result':
      return folded(part?.['is_error'] === true ? 'Tool error' : 'Tool result', said(part));
    case 'image_url':
      return '*(an image)*';
    default:
      return folded(type === '' ? 'Other content' : type, json(value));
  }
}

function said(part: Record<string, unknown> | null): string {
  const content = part?.['content'];
  return typeof content === 'string' ? fenced(content) : json(content);
}

function json(value: unknown): string {
  return fenced(JSON.stringify(value ?? null, null, 2), 'json');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
