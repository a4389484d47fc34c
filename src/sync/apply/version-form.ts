import type { MutableTable } from '../../model/table-kinds.ts';

/** Up to the year 6429: what comes after the last that can be written would be the first. */
export const VERSION = /^(?:[0-9a-f]{6}[01]-)?[0-7][0-9a-f]{15}-[A-Za-z0-9]{1,64}-[0-9a-f]{12}$/;

/** Whether a version has the form of those of this register; an empty one is that of no clock. */
export function isVersionOf(table: MutableTable, register: string, version: string): boolean {
  const isLifecycle = table.lifecycle?.register === register;
  return version === '' || (VERSION.test(version) && (version[7] === '-') === isLifecycle);
}
