import { hub } from '../../index.ts';
import { bareCommand } from '../command.ts';
import { hubFolder, hubFolderOption } from '../hub-folder.ts';
import { value } from '../parameters.ts';

export const hubInit = bareCommand({
  name: 'init',
  summary: 'make keys, .env and a first token for docker-compose.yml',
  details:
    'Run it in the folder of docker-compose.yml with --dir . and then "docker compose up -d". ' +
    'What is there already is kept.',
  example: 'hub init --dir . --domain hub.example.org',
  options: {
    dir: hubFolderOption,
    domain: value('name', 'the name of the server, for its certificate (localhost)'),
  },
  async run({ out, path }, { dir, domain }) {
    const result = await hub.init({ dir: hubFolder(path, dir), ...(domain && { domain }) });
    out.print(result, () =>
      [
        result.created ? `made a hub in ${result.dir}` : `kept the hub in ${result.dir}`,
        `for docker compose: ${result.envFile}`,
        `the first token:    ${result.tokenFile}`,
      ].join('\n'),
    );
    if (!result.created) out.note('there were keys already: none was changed');
  },
});
