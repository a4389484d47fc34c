import { table } from '../measure.mjs';
import { measuredOn } from './measured-on.mjs';

/**
 * The table of a store of many years.
 *
 * @param parts - figures whose `results` are rows of texts: what, the store, an empty one, the goal
 */
export function longLifeReport(parts) {
  const rows = parts.flatMap((part) => part.results);
  const head = ['what', 'the large store', 'an empty one', 'wanted'];
  return {
    text: [
      table(head, rows),
      measuredOn(
        parts,
        () => 'one run; a time is a median of 5 openings, of 50 lists, of 500 appends',
      ),
    ].join('\n\n'),
  };
}
