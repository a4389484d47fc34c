import { dirname, join, resolve } from 'node:path';
import { value } from './parameters.ts';

export const hubFolderOption = value('dir', 'the folder of the hub (hub, beside the store)');

/** The folder that was given, or the one beside the store. */
export function hubFolder(storePath: string, given: string | undefined): string {
  return given === undefined ? join(dirname(storePath), 'hub') : resolve(given);
}
