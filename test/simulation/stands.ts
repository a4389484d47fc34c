import type { Device } from './device.ts';
import { fail } from './violation.ts';

type Call = () => Promise<unknown>;

/**
 * A call that gives a text to a record: it is in what the call returns and stands on the disk then.
 * Nobody comes in between here.
 */
export function saying(device: Device, table: string, id: string, text: string) {
  return (call: Call): Call =>
    async () => {
      const returned = await call();
      if (!JSON.stringify(returned).includes(text))
        fail(`C2 ${table} ${id} was given ${text} and is told as ${JSON.stringify(returned)}`);
      expectRow(device, table, id, text);
      return returned;
    };
}

/** A call after which there is a time in a column, or none. */
export function marking(device: Device, table: string, id: string) {
  return (column: string, set: boolean, call: Call): Call =>
    async () => {
      const returned = await call();
      const held = device.probe.row(table, id)[column] ?? null;
      if ((held !== null) !== set)
        fail(`C2 ${column} of ${table} ${id} was acknowledged and is ${String(held)}`);
      return returned;
    };
}

/** Rows of these ids, each with its text. */
export function expectRows(
  device: Device,
  table: string,
  ids: readonly string[],
  texts: readonly string[],
): void {
  if (ids.length !== texts.length)
    fail(`C1 ${texts.length} rows of ${table} were given, ${ids.length} were told`);
  for (const [i, id] of ids.entries()) expectRow(device, table, id, texts[i] as string);
}

function expectRow(device: Device, table: string, id: string, text: string): void {
  const row = device.probe.records(`select * from ${table} where id = ?`, [id])[0];
  if (!JSON.stringify(row ?? null).includes(text))
    fail(`C2 ${table} ${id} was acknowledged with ${text} and is ${JSON.stringify(row)}`);
}
