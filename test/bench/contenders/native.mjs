// The limit of what can be: the native binding with prepared statements, on a copy of the very file.
import { BATCH, NEWEST, WORD, batches, event } from './records.mjs';
import { openNative } from '../native.mjs';

/** @param file - a store with the sessions */
export function open(file) {
  const native = openNative(file);
  const lists = batches();
  let thread;
  let count = 0;
  return {
    append: () => native.append('single', [event(count++)]),
    newest: () => native.newest(NEWEST),
    search: () => native.search(WORD, 100).length,
    write() {
      thread = native.newThread();
      for (const list of lists) native.append(thread, list);
    },
    read() {
      let found = 0;
      for (let seq = 0, more = true; more;) {
        const items = native.since(thread, seq, BATCH);
        found += items.length;
        seq = items.at(-1)?.seq ?? seq;
        more = items.length === BATCH;
      }
      return found;
    },
    close: () => native.close(),
  };
}
