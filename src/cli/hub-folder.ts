import { dirname, join } from 'node:path';
import { parsePath, value } from './parameters.ts';

export const hubFolderOption = value(
  'dir',
  'the folder of the hub (hub, beside the store)',
  parsePath,
);

/** The folder that was given, or the one beside the store. */
export function hubFolder(storePath: string, given: string | undefined): string {
  return given === undefined ? join(dirname(storePath), 'hub') : given;
}
