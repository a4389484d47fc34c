import type { ImportProblem, ImportReport } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { formatBytes, formatCount, safeLine } from '../format.ts';
import type { Output, Paint } from '../output.ts';
import { flag, variadicArgument } from '../parameters.ts';
import { column, numberColumn } from '../record-columns.ts';

const PATHS_SHOWN = 3;
/** The classes of problems, the gravest first, and what became of their records. */
const CLASSES = [
  ['reject', 'not imported'],
  ['orphan', 'kept apart'],
  ['anomaly', 'imported all the same'],
  ['ignore', 'ignored'],
] as const;

export const importHomes = storeCommand({
  name: 'import',
  summary: 'take over what the old stores hold; they are only read',
  details:
    'Without a home those of this machine: $CODEWHALE_HOME or ~/.codewhale, and ~/.deepseek. ' +
    'A second import takes what is new since. What cannot be read stays in its file, is listed, ' +
    'and is tried again the next time.',
  example: 'import ~/old-laptop/.codewhale --dry-run',
  access: ({ dryRun }) => (dryRun ? 'preview' : 'create'),
  args: { homes: variadicArgument('home', 'a folder such as ~/.codewhale') },
  options: { dryRun: flag('only count what would come in') },
  async run({ store, out, interrupted }, { homes, dryRun }) {
    const report = await store.import(homes.length === 0 ? undefined : homes, {
      dryRun,
      signal: interrupted,
      onProgress: ({ kind, records, bytes }) => {
        out.progress(`${kind}: ${formatCount(records, 'record')}, ${formatBytes(bytes)}`);
      },
    });
    out.print(report, (paint) => formatReport(report, out, paint));
    noteWhatNext(report, out, dryRun ?? false);
  },
});

function formatReport(report: ImportReport, out: Output, paint: Paint): string {
  const rows = [...Object.entries(report.byKind), ['total', report.totals] as const].map(
    ([kind, counts]) => ({ kind, ...counts }),
  );
  const table = out.table(
    rows,
    [
      column('KIND', (row) => row.kind),
      numberColumn('FOUND', (row) => row.found),
      numberColumn('IMPORTED', (row) => row.imported),
      numberColumn('UPDATED', (row) => row.updated),
      numberColumn('UNCHANGED', (row) => row.unchanged),
      numberColumn('ORPHANED', (row) => row.orphaned),
      numberColumn('FAILED', (row) => row.failed),
      numberColumn('IGNORED', (row) => row.ignored),
    ],
    paint,
  );
  const homes = report.homes.map((home) => `from ${safeLine(home)}`);
  return [...homes, '', table, ...formatProblems(report.problems, paint)].join('\n');
}

/** Problems by what became of them and why, each group with a few places. */
function formatProblems(problems: readonly ImportProblem[], paint: Paint): string[] {
  return CLASSES.flatMap(([name, outcome]) => {
    const groups = new Map<string, ImportProblem[]>();
    for (const problem of problems) {
      if (problem.class !== name) continue;
      const group = groups.get(problem.reason);
      if (group) group.push(problem);
      else groups.set(problem.reason, [problem]);
    }
    const sorted = [...groups].sort(([, a], [, b]) => b.length - a.length);
    return sorted.flatMap(([reason, group]) => [
      '',
      `${paint('bold', `${outcome}: ${reason}`)} (${group.length})`,
      ...formatPlaces(group, paint),
    ]);
  });
}

function formatPlaces(group: readonly ImportProblem[], paint: Paint): string[] {
  const places = group.slice(0, PATHS_SHOWN).map(({ path, line, message }) => {
    const place = line === undefined ? path : `${path}:${line}`;
    return `  ${safeLine(place)}  ${paint('dim', safeLine(message))}`;
  });
  const more = group.length - places.length;
  return more > 0 ? [...places, `  and ${more} more; all of them with --json`] : places;
}

function noteWhatNext(report: ImportReport, out: Output, dryRun: boolean): void {
  if (report.homes.length === 0) {
    out.note('no old store was found on this machine; name one: codewhale-store import DIR');
  } else if (Object.values(report.totals).every((count) => count === 0)) {
    const homes = report.homes.map((home) => safeLine(home));
    out.note(`nothing to import was found in ${homes.join(', ')}`);
  } else if (dryRun) {
    out.note('nothing was written; the same without --dry-run imports it');
  } else {
    out.note('next: codewhale-store session list, or codewhale-store search WORDS');
  }
}
