import { bareCommand } from '../command.ts';

export const path = bareCommand({
  name: 'path',
  summary: 'print where the store lies: --db, or store/store.db in $CODEWHALE_HOME (~/.codewhale)',
  example: 'path',
  run: ({ out, path: file }) => {
    out.print({ path: file }, () => file);
    return Promise.resolve();
  },
});
