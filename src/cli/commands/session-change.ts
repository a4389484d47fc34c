import type { Session, Store } from '../../index.ts';
import { storeCommand, type Command } from '../command.ts';
import { safeLine } from '../format.ts';
import type { Output } from '../output.ts';
import { argument, value } from '../parameters.ts';

const id = argument('id', 'the session');

/** What is done to a session as a whole: the method of the library, and words for it. */
const CHANGES = [
  ['archive', 'hide a session from the list', 'archived'],
  ['unarchive', 'bring an archived session back into the list', 'unarchived'],
  ['delete', 'delete a session; "session restore" brings it back', 'deleted'],
  ['restore', 'bring a deleted session back', 'restored'],
] as const;

export const sessionChanges: readonly Command[] = CHANGES.map(([name, summary, done]) =>
  storeCommand({
    name,
    summary,
    example: `session ${name} 01JZ8`,
    access: 'write',
    args: { id },
    async run({ store, out }, input) {
      printDone(out, done, await store.sessions[name](await resolve(store, input.id)));
    },
  }),
);

export const sessionRename = storeCommand({
  name: 'rename',
  summary: 'give a session another title',
  example: 'session rename 01JZ8 "Loader, second try"',
  access: 'write',
  args: { id, title: argument('title', 'the new title') },
  async run({ store, out }, input) {
    const session = await store.sessions.rename(await resolve(store, input.id), input.title);
    printDone(out, 'renamed', session);
  },
});

export const sessionFork = storeCommand({
  name: 'fork',
  summary: 'copy a session, or a part of it, into a new one',
  example: 'session fork 01JZ8 --title "Other way"',
  access: 'write',
  args: { id },
  options: {
    at: value('message', 'last message to take over (default: the current one)'),
    title: value('title', 'of the new session (default: the same)'),
  },
  async run({ store, out }, { id: prefix, ...options }) {
    const session = await store.sessions.fork(await resolve(store, prefix), options);
    printDone(out, 'forked into', session);
  },
});

export const sessionSetCurrent = storeCommand({
  name: 'set-current',
  summary: 'go to another branch of a session, or back on this one',
  example: 'session set-current 01JZ8 01JZ9',
  access: 'write',
  args: { id, leaf: argument('leaf', 'the message to go on from; see "session branches"') },
  async run({ store, out }, input) {
    const session = await resolve(store, input.id);
    // Any message may be named; only the ends of branches are known well enough to be shortened.
    const leaves = (await store.sessions.branches(session)).map((branch) => branch.leaf);
    const [leaf = input.leaf, ...others] = leaves.filter((one) => one.startsWith(input.leaf));
    const given = others.length === 0 && !leaves.includes(input.leaf) ? leaf : input.leaf;
    printDone(out, 'went to another branch of', await store.sessions.setCurrent(session, given));
  },
});

async function resolve(store: Store, prefix: string): Promise<string> {
  return store.resolveId('session', prefix);
}

function printDone(out: Output, done: string, session: Session): void {
  out.print(session, () => `${done} ${session.id}  ${safeLine(session.title)}`);
}
