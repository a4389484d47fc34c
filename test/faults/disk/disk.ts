import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../../simulation/random.ts';
import type { DiskEvent } from './trace.ts';

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number };

/** A file, or a folder where it has no content. */
interface Inode {
  readonly isFolder: boolean;
  mode: number;
  /** What is on the disk for certain. */
  synced: Buffer;
  /** What was written since, in order: any of it may be on the disk. */
  pending: Change[];
}

/** Names of one folder that come and go together; undefined: the name is gone. */
type EntryChange = ReadonlyMap<string, Inode | undefined>;

/** What becomes of that which was not synced when the power goes; `gap`: one piece is lost. */
const FATES = ['all', 'none', 'prefix', 'subset', 'gap', 'torn'] as const;
export type Fate = (typeof FATES)[number];
const SECTOR = 512;

/**
 * What lies on a disk below a folder, and what was only handed to the system: the least that POSIX
 * promises. Content is there after a sync of its file, a name after a sync of its folder; of all
 * else, anything may be there. Names of one folder come and go in order, as they do in a journal.
 */
export class Disk {
  readonly #root: string;
  /** As the processes see it. */
  readonly #live = new Map<string, Inode>();
  /** The names that are on the disk for certain. */
  readonly #durable = new Map<string, Inode>();
  readonly #pendingEntries = new Map<string, EntryChange[]>();
  readonly #syncs = new Map<string, { inode: Inode; changes: number; entries: number }>();
  /** Where descriptors stand. */
  readonly #positions = new Map<string, number>();
  readonly #random: Random;

  /** Begins with what lies there now, all of it durable. @param random - decides what a failed sync left */
  constructor(root: string, random: Random) {
    this.#root = root;
    this.#random = random;
    this.#load(root);
  }

  #load(path: string): void {
    const stat = statSync(path);
    const isFolder = stat.isDirectory();
    const inode = makeInode(isFolder, stat.mode & 0o777);
    if (!isFolder) inode.synced = readFileSync(path);
    this.#live.set(path, inode);
    this.#durable.set(path, inode);
    if (isFolder) for (const name of readdirSync(path)) this.#load(join(path, name));
  }

  apply(event: DiskEvent): void {
    switch (event.kind) {
      case 'said':
        return;
      case 'open':
        this.#open(event);
        return;
      case 'folder':
        this.#name(new Map([[event.path, makeInode(true, event.mode)]]));
        return;
      case 'write': {
        const { descriptor, bytes } = event;
        const offset = event.offset ?? this.#positions.get(descriptor) ?? 0;
        if (event.offset === undefined) this.#positions.set(descriptor, offset + bytes.length);
        this.#file(event.path).pending.push({ kind: 'write', offset, bytes });
        return;
      }
      case 'truncate':
        this.#file(event.path).pending.push({ kind: 'truncate', size: event.size });
        return;
      case 'mode':
        this.#file(event.path).mode = event.mode;
        return;
      case 'unlink':
        this.#name(new Map([[event.path, undefined]]));
        return;
      case 'rename':
        this.#name(
          new Map([
            [event.path, undefined],
            [event.to, this.#file(event.path)],
          ]),
        );
        return;
      case 'link':
        this.#name(new Map([[event.to, this.#file(event.path)]]));
        return;
      case 'sync-begin':
        this.#beginSync(event.path, event.task);
        return;
      case 'sync-end':
        this.#endSync(event.path, event.task, event.ok);
    }
  }

  #open({ path, mode, flags, descriptor }: Extract<DiskEvent, { kind: 'open' }>): void {
    let inode = this.#live.get(path);
    if (!inode) {
      inode = makeInode(false, mode);
      this.#name(new Map([[path, inode]]));
    } else if (flags.includes('O_TRUNC')) {
      inode.pending.push({ kind: 'truncate', size: 0 });
    }
    const end = flags.includes('O_APPEND') ? applyAll(inode.synced, inode.pending).length : 0;
    this.#positions.set(descriptor, end);
  }

  #name(change: EntryChange): void {
    const folders = new Set([...change.keys()].map((path) => dirname(path)));
    const [folder = ''] = folders;
    if (folders.size > 1) throw new Error('a rename between folders is not modelled');
    for (const [path, inode] of change) setOrDelete(this.#live, path, inode);
    this.#pendingEntries.set(folder, [...(this.#pendingEntries.get(folder) ?? []), change]);
  }

  #beginSync(path: string, task: string): void {
    const inode = this.#live.get(path);
    if (!inode) return;
    const entries = this.#pendingEntries.get(path)?.length ?? 0;
    this.#syncs.set(task, { inode, changes: inode.pending.length, entries });
  }

  #endSync(path: string, task: string, ok: boolean): void {
    const sync = this.#syncs.get(task);
    this.#syncs.delete(task);
    if (!sync) return;
    const changes = sync.inode.pending.splice(0, sync.changes);
    // After a failed sync Linux takes what it could not write for written, and never tries again.
    const kept = ok ? changes : choose(changes, this.#random.pick(FATES), this.#random);
    sync.inode.synced = applyAll(sync.inode.synced, kept);
    if (!ok) return;
    for (const change of this.#pendingEntries.get(path)?.splice(0, sync.entries) ?? []) {
      for (const [name, inode] of change) setOrDelete(this.#durable, name, inode);
    }
  }

  #file(path: string): Inode {
    const inode = this.#live.get(path);
    if (!inode) throw new Error(`the trace uses ${path}, which nobody made`);
    return inode;
  }

  /**
   * Writes into `target` what a power cut at this moment may leave.
   *
   * @param everywhere - of all files the same; by default each its own, or all of them all or none
   * @returns how much was left to chance
   */
  image(target: string, random: Random, everywhere = commonFate(random)): { undecided: number } {
    const fate = () => everywhere ?? random.pick(FATES);
    const names = new Map(this.#durable);
    let undecided = 0;
    for (const changes of this.#pendingEntries.values()) {
      undecided += changes.length;
      for (const change of prefix(changes, fate(), random)) {
        for (const [path, inode] of change) setOrDelete(names, path, inode);
      }
    }
    const contents = new Map<Inode, Buffer>();
    for (const path of [...names.keys()].sort()) {
      const inode = names.get(path) as Inode;
      const place = join(target, path.slice(this.#root.length));
      // Memory that processes share; it says nothing after a power cut.
      if (path.endsWith('-shm') || !isReachable(names, path, this.#root)) continue;
      if (inode.isFolder) {
        mkdirSync(place, { recursive: true, mode: inode.mode });
        continue;
      }
      undecided += inode.pending.length;
      const content =
        contents.get(inode) ?? applyAll(inode.synced, choose(inode.pending, fate(), random));
      contents.set(inode, content);
      writeFileSync(place, content);
      chmodSync(place, inode.mode);
    }
    return { undecided };
  }
}

function commonFate(random: Random): Fate | undefined {
  return random.chance(0.4) ? random.pick(['all', 'none']) : undefined;
}

function makeInode(isFolder: boolean, mode: number): Inode {
  return { isFolder, mode, synced: Buffer.alloc(0), pending: [] };
}

function setOrDelete(map: Map<string, Inode>, path: string, inode: Inode | undefined): void {
  if (inode) map.set(path, inode);
  else map.delete(path);
}

function isReachable(names: ReadonlyMap<string, Inode>, path: string, root: string): boolean {
  for (let folder = path; folder !== root;) {
    folder = dirname(folder);
    if (names.get(folder)?.isFolder !== true) return false;
  }
  return true;
}

function prefix<T>(changes: readonly T[], fate: Fate, random: Random): readonly T[] {
  if (fate === 'all') return changes;
  return fate === 'none' ? [] : changes.slice(0, random.below(changes.length + 1));
}

function choose(changes: readonly Change[], fate: Fate, random: Random): readonly Change[] {
  if (fate === 'subset') return changes.filter(() => random.chance(0.5));
  if (fate === 'gap') {
    const lost = random.below(changes.length);
    return changes.filter((_, i) => i !== lost);
  }
  if (fate !== 'torn') return prefix(changes, fate, random);
  return changes.flatMap((change) => {
    if (change.kind === 'truncate') return random.chance(0.5) ? [change] : [];
    return sectors(change.offset, change.bytes).filter(() => random.chance(0.5));
  });
}

/** A write as the disk does it. */
function sectors(start: number, bytes: Buffer): Change[] {
  const changes: Change[] = [];
  for (let done = 0; done < bytes.length;) {
    const length = Math.min(SECTOR - ((start + done) % SECTOR), bytes.length - done);
    const part = bytes.subarray(done, done + length);
    changes.push({ kind: 'write', offset: start + done, bytes: part });
    done += length;
  }
  return changes;
}

function applyAll(content: Buffer, changes: readonly Change[]): Buffer {
  const ends = changes.map((change) =>
    change.kind === 'write' ? change.offset + change.bytes.length : change.size,
  );
  const room = Buffer.alloc(Math.max(content.length, ...ends));
  content.copy(room);
  let size = content.length;
  for (const change of changes) {
    if (change.kind === 'write') {
      change.bytes.copy(room, change.offset);
      size = Math.max(size, change.offset + change.bytes.length);
    } else {
      if (change.size < size) room.fill(0, change.size, size);
      size = change.size;
    }
  }
  return room.subarray(0, size);
}
