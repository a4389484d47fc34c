import { readdirSync, readlinkSync } from 'node:fs';

/** The processes that have a file open, or one whose name begins so, as Linux tells their user. */
export function processesWith(path: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const holds = (pid: string) => {
    const folder = `/proc/${pid}/fd`;
    const fds = unlessGone(() => readdirSync(folder)) ?? [];
    return fds.some((fd) => unlessGone(() => readlinkSync(`${folder}/${fd}`))?.startsWith(path));
  };
  return pids.filter(holds).map(Number);
}

/** What there was to read has ended meanwhile, or is another user's. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
