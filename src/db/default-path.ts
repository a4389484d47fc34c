import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';

/** `$CODEWHALE_HOME/store/store.db`, by default below `~/.codewhale`. */
export function defaultPath(env: NodeJS.ProcessEnv = process.env): string {
  const home = env['CODEWHALE_HOME']?.trim() ?? '';
  // An empty HOME would put a store below whatever folder one stands in.
  const userHome = homedir() || userInfo().homedir;
  const expanded = home.startsWith('~') ? join(userHome, home.slice(1)) : home;
  return join(expanded === '' ? join(userHome, '.codewhale') : expanded, 'store', 'store.db');
}
