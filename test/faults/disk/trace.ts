import { join } from 'node:path';

/** What a process did to the disk, as strace saw it; paths are absolute. */
export type DiskEvent =
  /** Opened for writing, and made where it is missing. */
  | {
      readonly kind: 'open';
      readonly path: string;
      readonly mode: number;
      readonly flags: string;
      readonly descriptor: string;
    }
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly bytes: Buffer;
      /** Undefined: where the descriptor stands. */
      readonly offset: number | undefined;
      readonly descriptor: string;
    }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  /** What was written before `sync-begin` is on the disk at `sync-end`, unless that failed. */
  | { readonly kind: 'sync-begin'; readonly path: string; readonly task: string }
  | {
      readonly kind: 'sync-end';
      readonly path: string;
      readonly task: string;
      readonly ok: boolean;
    }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'mode'; readonly path: string; readonly mode: number }
  /** A line on standard output. */
  | { readonly kind: 'said'; readonly text: string };

export interface TracedEvent {
  readonly event: DiskEvent;
  /** Where in the log it ends: whoever saw the log at this length knows that it had happened. */
  readonly end: number;
}

/** The system calls that change files. Any other that does would make the images wrong. */
export const TRACED = [
  ...['open', 'openat', 'creat', 'mkdir', 'mkdirat', 'chmod', 'fchmod', 'fchmodat'],
  ...['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2', 'sendfile', 'copy_file_range'],
  ...['ftruncate', 'truncate', 'fallocate', 'fsync', 'fdatasync', 'sync_file_range'],
  ...['unlink', 'unlinkat', 'rmdir', 'rename', 'renameat', 'renameat2', 'link', 'linkat'],
  ...['symlink', 'symlinkat'],
];

const CALL = /^(\w+)\((.*)\)\s+= ((-?\d+|\?)[^ ]*)/s;
const SYNC = /^(fsync|fdatasync)\(/;

/**
 * Reads what `strace -f -y -xx` wrote.
 *
 * @param root - the folder that is looked at; what happens elsewhere is left out
 * @throws Error something was done to a file below `root` that is not understood
 */
export function readTrace(log: string, root: string): TracedEvent[] {
  const events: TracedEvent[] = [];
  /** Calls that another thread came in between of, by thread. */
  const begun = new Map<string, string>();
  let end = 0;
  for (const line of log.split('\n')) {
    end += line.length + 1;
    const [, task = '', text = ''] = /^(\d+)\s+(.*)$/s.exec(line) ?? [];
    const add = (found: readonly DiskEvent[]) => {
      for (const event of found) if (concerns(event, root)) events.push({ event, end });
    };
    if (text.endsWith('<unfinished ...>')) {
      const call = text.slice(0, -'<unfinished ...>'.length);
      begun.set(task, call);
      if (SYNC.test(call)) add([{ kind: 'sync-begin', path: pathOf(firstOf(call)), task }]);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(text);
    const call = resumed ? (begun.get(task) ?? '') + (resumed[1] ?? '') : text;
    const found = understand(call, task, root);
    add(resumed ? found.filter(({ kind }) => kind !== 'sync-begin') : found);
  }
  return events;
}

function concerns(event: DiskEvent, root: string): boolean {
  return event.kind === 'said' || event.path === root || event.path.startsWith(`${root}/`);
}

function understand(call: string, task: string, root: string): DiskEvent[] {
  const [, name = '', list = '', descriptor = '', result = ''] = CALL.exec(call) ?? [];
  const args = list.split(', ').map((argument) => argument.trim());
  const [first = '', second = '', third = '', fourth = ''] = args;
  const failed = result === '?' || Number(result) < 0;
  if (SYNC.test(call)) {
    const path = pathOf(first);
    return [
      { kind: 'sync-begin', path, task },
      { kind: 'sync-end', path, task, ok: !failed },
    ];
  }
  if (failed) return [];
  const count = Number(result);
  switch (name) {
    case 'open':
      return opened(textOf(first), second, third, descriptor);
    case 'openat':
      return opened(at(first, second), third, fourth, descriptor);
    case 'mkdir':
      return [{ kind: 'folder', path: textOf(first), mode: parseInt(second, 8) }];
    case 'mkdirat':
      return [{ kind: 'folder', path: at(first, second), mode: parseInt(third, 8) }];
    case 'write': {
      const bytes = bytesOf(second, count);
      if (first.startsWith('1<')) return [{ kind: 'said', text: bytes.toString('utf8').trimEnd() }];
      return written(first, bytes, undefined);
    }
    case 'pwrite64':
      return written(first, bytesOf(second, count), Number(fourth));
    case 'ftruncate':
      return [{ kind: 'truncate', path: pathOf(first), size: Number(second) }];
    case 'fchmod':
      return [{ kind: 'mode', path: pathOf(first), mode: parseInt(second, 8) }];
    case 'chmod':
      return [{ kind: 'mode', path: textOf(first), mode: parseInt(second, 8) }];
    case 'unlink':
    case 'rmdir':
      return [{ kind: 'unlink', path: textOf(first) }];
    case 'unlinkat':
      return [{ kind: 'unlink', path: at(first, second) }];
    case 'rename':
      return [{ kind: 'rename', path: textOf(first), to: textOf(second) }];
    case 'renameat':
    case 'renameat2':
      return [{ kind: 'rename', path: at(first, second), to: at(third, fourth) }];
    case 'link':
      return [{ kind: 'link', path: textOf(first), to: textOf(second) }];
    case 'linkat':
      return [{ kind: 'link', path: at(first, second), to: at(third, fourth) }];
  }
  if (TRACED.includes(name) && decoded(call).includes(root)) {
    throw new Error(`the trace has a call that is not understood: ${decoded(call).slice(0, 200)}`);
  }
  return [];
}

function opened(path: string, flags: string, mode: string, descriptor: string): DiskEvent[] {
  if (!/O_(WRONLY|RDWR)/.test(flags)) return [];
  return [{ kind: 'open', path, flags, mode: parseInt(mode, 8), descriptor }];
}

function written(descriptor: string, bytes: Buffer, offset: number | undefined): DiskEvent[] {
  const path = pathOf(descriptor);
  return path === '' ? [] : [{ kind: 'write', path, bytes, offset, descriptor }];
}

const firstOf = (call: string) => call.slice(call.indexOf('(') + 1).split(', ')[0] ?? '';
const at = (folder: string, name: string) => {
  const path = textOf(name);
  return path.startsWith('/') ? path : join(pathOf(folder), path);
};

/** `7<\x2f…>`: the file of a descriptor; empty for one that has no name any more. */
function pathOf(descriptor: string): string {
  const [, path = '', gone = ''] = /<([^>]*)>(\(deleted\))?/.exec(descriptor) ?? [];
  const text = decoded(path);
  return gone !== '' || text.endsWith(' (deleted)') || !text.startsWith('/') ? '' : text;
}

function textOf(argument: string): string {
  return decoded(argument.replace(/^"|"$/g, ''));
}

function bytesOf(argument: string, count: number): Buffer {
  if (!argument.endsWith('"')) throw new Error('the trace was cut short: make -s larger');
  return Buffer.from(argument.slice(1, -1).replaceAll('\\x', ''), 'hex').subarray(0, count);
}

function decoded(text: string): string {
  return text.replace(/(\\x[0-9a-f]{2})+/g, (hex) =>
    Buffer.from(hex.replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
}
