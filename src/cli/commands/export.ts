import { storeCommand } from '../command.ts';
import { formatCount, safeLine } from '../format.ts';
import { choice, flag, mandatory, pathArgument, value } from '../parameters.ts';
import { numberColumn, textColumn } from '../record-columns.ts';

/** What would be missed by whoever imports the export and trusts it to be all. */
const LOST: Readonly<Record<string, string>> = {
  wrong_shape:
    'left out, the old program would refuse it (a queued message needs a "display" or "text", details ' +
    'that have names of its own need values as it has them); --format jsonl has it',
  no_place: 'left out, an old home has no place for it; --format jsonl has it',
  later_format:
    'written under the name of a later version, and not read by an import; --format jsonl has it',
};

export const exportStore = storeCommand({
  name: 'export',
  summary: 'write everything, or one session, into a folder',
  details:
    'legacy: a home that the old program reads; jsonl: one line a record; ' +
    'markdown: readable transcripts.',
  example: 'export ~/codewhale-copy --format markdown --session 01JZ8',
  access: 'read',
  args: { dir: pathArgument('dir', 'the folder; made when it is not there') },
  options: {
    format: mandatory(choice('format', 'what to write', ['legacy', 'jsonl', 'markdown'])),
    session: value('id', 'only this session'),
    force: flag('into a folder that is not empty, too; files there are replaced'),
  },
  async run({ store, out }, { dir, session, ...options }) {
    const report = await store.export(dir, {
      ...options,
      session: session === undefined ? undefined : await store.resolveId('session', session),
      onProgress: ({ kind, records }) => {
        out.progress(`${kind}: ${formatCount(records, 'record')}`);
      },
    });
    out.print(report, (paint) => {
      const written = `wrote ${formatCount(report.records, 'record')} in ${formatCount(report.files, 'file')} to ${safeLine(report.dir)}`;
      const kinds = Object.entries(report.byKind);
      if (kinds.length === 0) return written;
      const table = out.table(
        kinds,
        [textColumn('KIND', ([kind]) => kind), numberColumn('RECORDS', ([, count]) => count)],
        paint,
      );
      return `${written}\n\n${table}`;
    });
    for (const { kind, reason, count } of report.skipped) {
      const lost = LOST[reason];
      if (lost === undefined) out.note(`left out: ${kind}, ${reason} (${count})`);
      else out.warn(`${kind}, ${reason} (${count}): ${lost}`);
    }
  },
});
