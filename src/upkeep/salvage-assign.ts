import type { Connection } from '../db/connection.ts';
import {
  readEntries,
  type ExpectedSchema,
  type ExpectedTable,
  type SchemaEntry,
} from './expected-schema.ts';
import {
  declare,
  fits,
  isOfSchema,
  probe,
  readable,
  sampleTrees,
  type Sample,
} from './salvage-probe.ts';
import type { Tree, Trees } from './salvage-trees.ts';

/** Which trees hold which table. */
export interface Assignment {
  /** Roots by table; more than one of a table whose tree fell into parts. */
  readonly roots: ReadonlyMap<string, readonly number[]>;
  /** What is left of SQLite's own table of tables. */
  readonly entries: readonly SchemaEntry[];
  /** Trees that look like those of a table, and may be of rows that were deleted. */
  readonly leftOut: number;
}

/** What is known so far. */
interface Known {
  readonly trees: Trees;
  readonly expected: ExpectedSchema;
  readonly entries: readonly SchemaEntry[];
  /** Of trees that are nobody's yet, by root. */
  readonly samples: Map<number, Sample>;
  readonly roots: Map<string, number[]>;
}

/** Finds out which trees hold which table: by what is left of the table of tables, else by their rows. */
export function assignTrees(
  connection: Connection,
  trees: Trees,
  expected: ExpectedSchema,
): Assignment {
  const entries: SchemaEntry[] = [];
  const samples = new Map<number, Sample>();
  sampleTrees(connection, [...trees.byRoot.values()], (sample) => {
    if (!isOfSchema(sample)) samples.set(sample.tree.root, sample);
    else entries.push(...(readable(() => readProbe(connection, sample.tree)) ?? []));
  });
  const known: Known = { trees, expected, entries, samples, roots: new Map() };
  claimNamed(known);
  claimByLayout(known);
  const leftOut = claimByRows(known, connection);
  return { roots: known.roots, entries, leftOut };
}

function readProbe(connection: Connection, tree: Tree): SchemaEntry[] {
  return readEntries(connection, probe(tree).name, ['c0', 'c1', 'c2', 'c3', 'c4']);
}

function claim({ roots, samples }: Known, table: string, root: number): void {
  roots.set(table, [...(roots.get(table) ?? []), root]);
  samples.delete(root);
}

/** Whether nothing speaks against a tree, or what can be read of it, being that table. */
function mayBe(sample: Sample, table: ExpectedTable): boolean {
  return sample.tree.kind === table.kind && (sample.rows.length === 0 || fits(sample, table));
}

/** Trees of which it is still written whose they are. */
function claimNamed(known: Known): void {
  const { trees, expected, entries, samples, roots } = known;
  for (const { type, name, root } of entries) {
    const table = type === 'table' ? expected.tables.get(name) : undefined;
    if (!table || roots.has(name)) continue;
    const sample = samples.get(root);
    // Of a root that is damaged itself only the parts can be read; its indexes still count the rows.
    if (sample ? mayBe(sample, table) : !trees.kindOf(root)) claim(known, name, root);
  }
  // Indexes, and tables of the search index.
  for (const { name, root } of entries) if (!expected.tables.has(name)) samples.delete(root);
}

/** Trees that begin where every store has them, or every one that was vacuumed. */
function claimByLayout(known: Known): void {
  const { trees, expected, samples, roots } = known;
  const agrees = (name: string, root: number): boolean => {
    if (roots.has(name)) return roots.get(name)?.[0] === root;
    const sample = samples.get(root);
    const table = expected.tables.get(name);
    return sample && table ? mayBe(sample, table) : !trees.kindOf(root);
  };
  const hasRows = (name: string, root: number): boolean => {
    const [sample, table] = [samples.get(root), expected.tables.get(name)];
    return roots.has(name) || (sample && table ? fits(sample, table) : false);
  };
  const layouts = expected.layouts
    .map((layout) => [...layout].filter(([name]) => expected.tables.has(name)))
    .filter((places) => places.every((place) => agrees(...place)))
    .filter((places) => places.some((place) => hasRows(...place)))
    .sort((a, b) => b.length - a.length);
  for (const [name, root] of layouts[0] ?? []) {
    if (!roots.has(name) && samples.has(root)) claim(known, name, root);
  }
}

/**
 * Tells rows of one table from those of another with the same columns, or from an index: whose they
 * are must be in the table of the owner.
 */
const OWNERS: Readonly<Record<string, { column: string; of: string }>> = {
  session_messages: { column: 'c3', of: 'sessions' },
  thread_messages: { column: 'c3', of: 'threads' },
  session_leaves: { column: 'c0', of: 'sessions' },
  thread_leaves: { column: 'c0', of: 'threads' },
};
/** An index may look the same; it is made anew from what it lists. */
const LIKE_AN_INDEX = 'blobs';

/** The others; returns how many are left out. */
function claimByRows(known: Known, connection: Connection): number {
  let leftOut = 0;
  const unsure: { sample: Sample; tables: string[] }[] = [];
  for (const sample of known.samples.values()) {
    const tables = candidates(known, sample);
    const [only] = tables;
    if (only === undefined) continue;
    if (!known.trees.freeKnown) leftOut++;
    else if (tables.length > 1 || OWNERS[only]) unsure.push({ sample, tables });
    else claim(known, only, sample.tree.root);
  }
  for (const { sample, tables } of unsure) {
    const [only, other] = tables.filter((table) => hasOwners(known, connection, sample, table));
    if (only !== undefined && other === undefined) claim(known, only, sample.tree.root);
    else leftOut++;
  }
  return leftOut;
}

/** Tables that a tree may be, or be a part of; not those that are there as a whole. */
function candidates({ trees, expected, roots }: Known, sample: Sample): string[] {
  const isWhole = (name: string) =>
    roots.get(name)?.every((root) => trees.byRoot.get(root)?.broken === false) ?? false;
  return [...expected.tables.values()]
    .filter(({ name }) => name !== LIKE_AN_INDEX && !isWhole(name))
    .filter((table) => fits(sample, table))
    .map(({ name }) => name);
}

function hasOwners(
  { trees, roots }: Known,
  connection: Connection,
  { tree, rows }: Sample,
  table: string,
): boolean {
  const owner = OWNERS[table];
  const owners = (roots.get(owner?.of ?? '') ?? []).flatMap((root) => trees.byRoot.get(root) ?? []);
  if (!owner || owners.length === 0) return false;
  declare(connection, [tree, ...owners].map(probe));
  const ids = owners.map((one) => `select c0 from ${probe(one).name}`).join(' union all ');
  const found = readable(() =>
    connection.row(
      `select count(*) from (select ${owner.column} as id from ${probe(tree).name} limit ?)
       where id in (${ids})`,
      [rows.length],
    ),
  );
  return Number(found?.[0] ?? 0) > rows.length / 2;
}
