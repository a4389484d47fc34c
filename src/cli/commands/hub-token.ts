import { hub } from '../../index.ts';
import { bareCommand } from '../command.ts';
import { localTime } from '../format.ts';
import { hubFolder, hubFolderOption } from '../hub-folder.ts';
import { flag, mandatory, value } from '../parameters.ts';
import { parseLife } from '../time-options.ts';

export const hubToken = bareCommand({
  name: 'token',
  summary: 'make a token for a device',
  details:
    'It is written into a file, never printed: bring that file to the device. A token opens all of ' +
    'the hub until it expires, and through SQL also the files of the user that sqld runs as; a ' +
    'read-only one reads them all the same.',
  example: 'hub token --device laptop --expires 365d',
  options: {
    dir: hubFolderOption,
    device: mandatory(value('name', 'names the token and its file')),
    expires: value('age', 'how long it is good for: 12h, 90d, 52w (90d)', parseLife),
    readOnly: flag('it may not write'),
  },
  async run({ out, path }, { dir, device, expires, readOnly = false }) {
    const made = await hub.token({
      dir: hubFolder(path, dir),
      device,
      readOnly,
      ...(expires !== undefined && { expiresInMs: expires }),
    });
    out.print(made, () => made.tokenFile);
    out.note(`good until ${localTime(made.expiresAt)}; keep it secret: it opens all of the hub`);
  },
});
