/** From this many keys on an object is checked for duplicates with a set. */
const MANY_KEYS = 24;
const BACKSLASH = 0x5c;

/**
 * The keys of the objects that are open, told apart by a hash first: nearly all objects have few
 * keys, and making a string of each would cost more than the rest of the scan.
 */
export class KeyStack {
  private readonly bytes: Buffer;
  /** Keys of all open objects, the innermost last; what lies past `count` is left over. */
  private readonly hashes: number[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private count = 0;
  /** Where the keys of the innermost object begin, and those of the objects around it. */
  private base = 0;
  private readonly bases: number[] = [];
  /** By depth, for objects with many keys or with escapes in a key. */
  private readonly sets = new Map<number, Set<string>>();

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  open(): void {
    this.bases.push(this.base);
    this.base = this.count;
  }

  close(): void {
    if (this.sets.size > 0) this.sets.delete(this.bases.length);
    this.count = this.base;
    this.base = this.bases.pop() ?? 0;
  }

  /** Takes the key that begins at `from` and ends before `to`; false when the object has it. */
  add(from: number, to: number): boolean {
    const { base, bytes, count, hashes } = this;
    if (count - base >= MANY_KEYS || (this.sets.size > 0 && this.sets.has(this.bases.length))) {
      return this.addToSet(from, to);
    }
    let hash = 0;
    for (let i = from; i < to; i++) {
      const c = bytes[i] as number;
      if (c === BACKSLASH) return this.addToSet(from, to);
      hash = (Math.imul(hash, 31) + c) | 0;
    }
    for (let k = base; k < count; k++) {
      if (hashes[k] === hash && this.keyAt(k) === bytes.toString('utf8', from, to)) return false;
    }
    hashes[count] = hash;
    this.starts[count] = from;
    this.ends[count] = to;
    this.count = count + 1;
    return true;
  }

  private addToSet(from: number, to: number): boolean {
    const depth = this.bases.length;
    let set = this.sets.get(depth);
    if (set === undefined) {
      set = new Set();
      for (let k = this.base; k < this.count; k++) set.add(this.keyAt(k));
      this.sets.set(depth, set);
    }
    const key = decodeString(this.bytes.toString('utf8', from - 1, to + 1));
    if (set.has(key)) return false;
    set.add(key);
    return true;
  }

  private keyAt(k: number): string {
    return this.bytes.toString('utf8', this.starts[k], this.ends[k]);
  }
}

/** The text of a JSON string that was checked. */
export function decodeString(token: string): string {
  return token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1);
}
