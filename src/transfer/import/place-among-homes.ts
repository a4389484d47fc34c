import type { Database } from '../../db/database.ts';
import type { Stamper } from '../../db/transaction.ts';
import { homeLabel, type HomePlace } from './record.ts';

/**
 * Tells the records of other homes apart from those of the first that came into this store, in this
 * run or an earlier one: two homes have files of the same name that are not the same record.
 */
export async function placeAmongHomes(
  database: Database,
  stamper: Stamper,
  root: string,
  firstOfRun: string | undefined,
  { dryRun }: { readonly dryRun?: boolean | undefined },
): Promise<HomePlace> {
  if (!dryRun) {
    await database.write(stamper, (transaction) => {
      transaction.run('insert or ignore into import_homes (root) values (?)', [root]);
    });
  }
  const known = await database.read((reader) =>
    reader.rows('select root from import_homes order by number').map(([home]) => String(home)),
  );
  const at = known.indexOf(root);
  const earlier = at === -1 ? known : known.slice(0, at);
  if (root === (known[0] ?? firstOfRun)) return { root, label: '', rank: '', earlier };
  return { root, label: homeLabel(root), rank: String(earlier.length + 1), earlier };
}
