import { expect } from 'vitest';
import { NotFoundError, type Session, type Task } from '../../../src/index.ts';
import { deviceOf } from '../../../src/model/version.ts';
import type { Random } from '../../simulation/random.ts';
import type { Member } from './member.ts';

interface Watched {
  readonly table: 'sessions' | 'tasks';
  readonly register: string;
  readonly column: string;
  /** Of the record that a call returns. */
  readonly field: 'title' | 'archivedAt' | 'deletedAt' | 'prompt';
}

const TITLE: Watched = { table: 'sessions', register: 'title', column: 'title', field: 'title' };
const ARCHIVE: Watched = {
  table: 'sessions',
  register: 'archive',
  column: 'archived_at',
  field: 'archivedAt',
};
const DELETED: Watched = {
  table: 'sessions',
  register: 'deleted',
  column: 'deleted_at',
  field: 'deletedAt',
};
const PROMPT: Watched = { table: 'tasks', register: 'prompt', column: 'prompt', field: 'prompt' };
const GONE: Watched = {
  table: 'tasks',
  register: 'deleted',
  column: 'deleted_at',
  field: 'deletedAt',
};

/** What a call is given: a text, or that there is a time from now on, or none. */
type Asked = string | typeof SOME_TIME | null;
const SOME_TIME = Symbol('some time');

interface Written {
  readonly version: string;
  readonly value: unknown;
}

/**
 * The writes of a test: 40 % events, 40 % edits of registers, 20 % deletes and restores; and the
 * book of what was acknowledged, against which every device is checked in the end.
 */
export class BaseLoad {
  readonly #random: Random;
  /** Thread to writer to the tags that were acknowledged, in the order in which they were. */
  readonly events = new Map<string, Map<string, string[]>>();
  readonly sessions: string[] = [];
  readonly tasks: string[] = [];
  /** The highest version of each register that anybody was told of. */
  readonly #registers = new Map<string, Written & Watched & { readonly id: string }>();
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What everyone edits: to be synced before `burst`. */
  async begin(member: Member): Promise<void> {
    const { store } = member;
    for (let i = 0; i < 3; i++) {
      const session = await store.sessions.create({ title: `s${i}`, workspace: '/w', model: 'm' });
      this.sessions.push(session.id);
      this.tasks.push((await store.tasks.create({ prompt: `t${i}`, workspace: '/w' })).id);
    }
    for (let i = 0; i < 2; i++) {
      const thread = await store.runtime.createThread({ workspace: '/w', model: 'm' });
      this.events.set(thread.id, new Map());
    }
  }

  /** So many writes, one after the other, each acknowledged. */
  async burst(member: Member, count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.#write(member);
  }

  /** One event; with `filler` an event of at least so many bytes that do not compress. */
  async append(member: Member, thread = this.thread(), filler?: string): Promise<string> {
    const tag = `${member.name}-${this.#count++}`;
    const payload = { tag, by: member.name, ...(filler === undefined ? {} : { filler }) };
    await member.store.events.append(thread, [{ type: 'load', payload }]);
    this.acknowledged(thread, member.name, tag);
    return tag;
  }

  acknowledged(thread: string, writer: string, tag: string): void {
    const writers = this.events.get(thread) ?? new Map<string, string[]>();
    this.events.set(thread, writers);
    writers.set(writer, [...(writers.get(writer) ?? []), tag]);
  }

  thread(): string {
    return this.#random.pick([...this.events.keys()]);
  }

  async rename(member: Member, session = this.#random.pick(this.sessions)): Promise<string> {
    const title = `${member.name}-${this.#count++}`;
    await this.#edit(member, TITLE, session, title, () =>
      member.store.sessions.rename(session, title),
    );
    return title;
  }

  /** No more of what a test does to a record by itself. */
  forget(id: string): void {
    for (const [key, held] of this.#registers) if (held.id === id) this.#registers.delete(key);
  }

  async #write(member: Member): Promise<void> {
    const random = this.#random;
    const { store } = member;
    const session = random.pick(this.sessions);
    const task = random.pick(this.tasks);
    try {
      switch (
        random.weighted({
          event: 40,
          rename: 16,
          prompt: 16,
          archive: 8,
          session: 8,
          task: 8,
          create: 4,
        })
      ) {
        case 'event':
          await this.append(member);
          return;
        case 'rename':
          await this.rename(member, session);
          return;
        case 'prompt': {
          const prompt = `${member.name}-${this.#count++}`;
          await this.#edit(member, PROMPT, task, prompt, () =>
            store.tasks.update(task, { prompt }),
          );
          return;
        }
        case 'archive':
          await (random.chance(0.5)
            ? this.#edit(member, ARCHIVE, session, SOME_TIME, () => store.sessions.archive(session))
            : this.#edit(member, ARCHIVE, session, null, () => store.sessions.unarchive(session)));
          return;
        case 'session':
          await (random.chance(0.5)
            ? this.#edit(member, DELETED, session, SOME_TIME, () => store.sessions.delete(session))
            : this.#edit(member, DELETED, session, null, () => store.sessions.restore(session)));
          return;
        case 'task':
          await this.#edit(member, GONE, task, SOME_TIME, () => store.tasks.delete(task));
          return;
        case 'create':
          this.tasks.push((await store.tasks.create({ prompt: 'more', workspace: '/w' })).id);
          return;
      }
    } catch (error) {
      // What another device made has not come here yet.
      if (!(error instanceof NotFoundError)) throw error;
    }
  }

  /**
   * One edit: what it was given, what it returned and what stands right after it are the same. A
   * worker may have brought the later word of another device in between.
   */
  async #edit(
    member: Member,
    watched: Watched,
    id: string,
    asked: Asked,
    call: () => Promise<Session | Task>,
  ): Promise<void> {
    const what = `${watched.register} of ${id} on ${member.name}`;
    const before = readRegister(member, watched, id);
    const returned = (await call()) as unknown as Record<string, unknown>;
    expect(said(returned[watched.field], asked), `${what} as returned`).toEqual(asked);
    const written = readRegister(member, watched, id);
    const later = written.version > before.version && deviceOf(written.version) !== idOf(member);
    if (!later) expect(said(written.value, asked), `${what} as it stands`).toEqual(asked);
    this.#note(watched, id, written);
  }

  /** The version that the acknowledged write has, or a later one that came in between. */
  #note(watched: Watched, id: string, written: Written): void {
    const key = `${watched.table} ${watched.register} ${id}`;
    const held = this.#registers.get(key);
    if (!held || written.version > held.version) {
      this.#registers.set(key, { ...written, ...watched, id });
    }
  }

  /** C1 and C3: each event once, those of a writer in its order; C2: the highest version won. */
  async check(member: Member): Promise<void> {
    const { store } = member;
    for (const [thread, writers] of this.events) {
      const { items } = await store.events.since(thread, 0, { limit: 4096 });
      expect(items.map((event) => event.seq)).toEqual(items.map((_, i) => i + 1));
      const found = new Map<string, string[]>();
      for (const { payload } of items) {
        const { tag, by } = payload as { tag: string; by: string };
        found.set(by, [...(found.get(by) ?? []), tag]);
      }
      expect(Object.fromEntries(found), `events on ${member.name}`).toEqual(
        Object.fromEntries(writers),
      );
    }
    for (const { id, ...register } of this.#registers.values()) {
      const { version, value } = register;
      const held = readRegister(member, register, id);
      expect(held, `${register.register} of ${id} on ${member.name}`).toEqual({ version, value });
    }
    for (const id of this.sessions) expect((await store.sessions.get(id)).id).toBe(id);
    for (const id of this.tasks) expect((await store.tasks.get(id)).id).toBe(id);
  }
}

function idOf(member: Member): string {
  return member.row('select id from device')?.[0] as string;
}

/** When it was is the store's to say. */
function said(value: unknown, asked: Asked): unknown {
  return asked === SOME_TIME && value !== null && value !== undefined ? SOME_TIME : value;
}

function readRegister(member: Member, { table, register, column }: Watched, id: string): Written {
  const row = member.row(`select ${register}_version, ${column} from ${table} where id = ?`, id);
  return { version: row?.[0] as string, value: row?.[1] };
}
