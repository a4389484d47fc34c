import { setImmediate } from 'node:timers/promises';
import { EventGaps } from '../areas/event-gaps.ts';
import { applyEntries, type Tally } from './apply/apply-entries.ts';
import { finishStep, type ApplyContext } from './apply/context.ts';
import { openEntry, type Opened } from './apply/open-entry.ts';
import { Shapes } from './apply/shape.ts';
import { sameAsk, type Ask } from './ask.ts';
import { followState, STEADY, type Answer, type Exchange } from './exchange.ts';
import { fetchBodies } from './fetch-bodies.ts';
import type { HubMeta, HubSeen } from './hub-meta.ts';
import { identify, noticeCopy } from './identify.ts';
import { replaceLost } from './lost-entries.ts';
import { sizeOf, type Entry } from './pull-statements.ts';
import { askOf } from './push-once.ts';
import { readCopy } from './read-copy.ts';
import { readHub } from './read-page.ts';
import { catchUp, contextOf, settle } from './settle.ts';
import { needState, saveCursor, savePair } from './state.ts';
import { takeOffUnreadable } from './take-off.ts';

/**
 * How long entries are opened while others may write, in milliseconds. Encrypted ones take longer to
 * open than to apply: with 3 ms they were too few for a step of the pace, which made more commits.
 */
const OPEN_MS = 8;
/** Entries between two looks at the clock: as many as one statement adds. */
const STEP_ENTRIES = 32;
/** Characters of opened entries that wait to be applied. */
const OPENED_WEIGHT_MAX = 8 << 20;

export interface Pulled extends Tally {
  /** `done`: everything is read; `more`: there is more; `again`: the hub or the state had changed. */
  readonly outcome: 'done' | 'more' | 'again';
  readonly entries: number;
  readonly meta: HubSeen | null;
}

/**
 * Reads one page of the hub and applies it in short transactions, the cursor inside, so that a
 * crash in between neither loses nor repeats anything.
 *
 * @throws `HubForeignError`, `DeviceRevokedError`, `HubUnreachableError` and the others of the hub
 */
export async function pullOnce(exchange: Exchange): Promise<Pulled> {
  exchange.memory.next = undefined;
  await noticeCopy(exchange);
  const state = await exchange.database.read(needState);
  followState(exchange, state);
  const ask = askOf(state, exchange.now());
  const fromCopy = await readCopy(exchange, state);
  const answer =
    fromCopy ?? (await readAhead(exchange, ask)) ?? (await readHub(exchange, exchange.hub, ask));
  if (!fromCopy && !(await identify(exchange, ask, answer?.meta ?? null))) return again(answer);
  if (!answer) return again(answer);
  // A copy may be old: only the hub itself knows that there is no more.
  const ended = !answer.page.more && !fromCopy;
  exchange.memory.fitPage(answer.page.entries.length, sizeOf(answer.page));
  if (!ended && !fromCopy) askAhead(exchange, ask, answer);
  const open = (entries: readonly Entry[]) => openSome(exchange, answer.meta, entries, []);
  const waited = await catchUp(exchange, answer.meta, open);
  const tally = await applyPage(exchange, ask, answer, ended);
  if (!tally) return again(answer);
  tally.applied += waited;
  if (ended && answer.meta.head.number === 0) exchange.memory.emptyEpoch = answer.meta.epoch.token;
  exchange.memory.gap = ended
    ? 0
    : answer.meta.head.number - (answer.page.entries.at(-1)?.seq ?? answer.meta.head.number);
  const outcome = ended ? 'done' : 'more';
  if (outcome === 'done') {
    const open = (entries: readonly Entry[]) => openSome(exchange, answer.meta, entries, []);
    await replaceLost(exchange, answer.meta, tally);
    await settle(exchange, answer.meta, tally, open);
    if (await takeOffUnreadable(exchange, answer.meta, tally)) {
      return { ...again(answer), entries: answer.page.entries.length, ...tally };
    }
  }
  return { outcome, entries: answer.page.entries.length, ...tally, meta: answer.meta };
}

const again = (answer: Answer | null): Pulled => ({
  outcome: 'again',
  entries: 0,
  applied: 0,
  parked: 0,
  meta: answer?.meta ?? null,
});

/** Asks for the next page as it will be asked for when this one is applied. */
function askAhead(exchange: Exchange, ask: Ask, { meta, page }: Answer): void {
  const cursor = page.entries.at(-1)?.seq ?? ask.cursor;
  const next = { ...ask, cursor, pair: meta.head };
  // What goes wrong with it is told when the page is asked for again.
  const answer = readHub(exchange, exchange.hub, next).catch(() => null);
  exchange.memory.ahead = { ask: next, answer };
}

/** The page that was asked for ahead, where all still holds that it was asked with. */
async function readAhead({ memory }: Exchange, ask: Ask): Promise<Answer | null> {
  const { ahead } = memory;
  memory.ahead = undefined;
  return ahead && sameAsk(ahead.ask, ask) ? ahead.answer : null;
}

/**
 * @param ended - everything on the hub is read with this page
 * @returns undefined when the state changed meanwhile: the answer counts no more
 */
async function applyPage(
  exchange: Exchange,
  ask: Ask,
  { meta, page }: Answer,
  ended: boolean,
): Promise<Tally | undefined> {
  const { entries } = page;
  const { pace = STEADY } = exchange;
  let opened = await openSome(exchange, meta, entries, []);
  const shapes = new Shapes();
  const tally = { applied: 0, parked: 0 };
  let expected = ask;
  for (let applied = 0, first = true; first || applied < entries.length; first = false) {
    const done = await exchange.database.write({ now: exchange.now }, (transaction) => {
      const held = needState(transaction);
      if (!sameAsk(expected, held)) return undefined;
      const gaps = gapsAt(exchange, held.cursor);
      const context = { ...contextOf(exchange, transaction, meta, held, shapes), gaps };
      const step = { applied: 0, parked: 0 };
      const end = applied + applyFor(pace.stepMs, context, opened, step);
      const last = end >= entries.length;
      const cursor = last && !page.more ? meta.head.number : (entries[end - 1]?.seq ?? 0);
      finishStep(context);
      saveCursor(transaction, cursor);
      savePair(transaction, meta.head);
      if (last && ended) transaction.run('update sync_state set copied = 0');
      return { ...step, end, cursor, gaps };
    });
    if (!done) return undefined;
    tally.applied += done.applied;
    tally.parked += done.parked;
    opened = opened.slice(done.end - applied);
    applied = done.end;
    expected = { ...expected, cursor: done.cursor, pair: meta.head };
    const isOver = ended && applied >= entries.length;
    exchange.memory.gaps =
      done.gaps && !isOver ? { cursor: done.cursor, events: done.gaps } : undefined;
    const unopened = entries.slice(applied + opened.length);
    const [, more] = await Promise.all([pace.rest(), openSome(exchange, meta, unopened, opened)]);
    opened.push(...more);
  }
  return tally;
}

/** Only of a pull that began with the first entry, and where no other process has gone on with it. */
function gapsAt({ memory }: Exchange, cursor: number): EventGaps | undefined {
  if (cursor === 0) return new EventGaps();
  return memory.gaps?.cursor === cursor ? memory.gaps.events : undefined;
}

/** Opens about as many entries as one step applies, while nobody is kept from writing. */
async function openSome(
  exchange: Exchange,
  meta: HubMeta,
  entries: readonly Entry[],
  waiting: readonly Opened[],
): Promise<Opened[]> {
  // Whoever waits in this process comes first.
  await setImmediate();
  const some: Opened[] = [];
  let weight = waiting.reduce((sum, one) => sum + weightOf(one), 0);
  const until = performance.now() + OPEN_MS;
  for (const entry of entries) {
    if (weight >= OPENED_WEIGHT_MAX) break;
    if (some.length % STEP_ENTRIES === 0 && some.length > 0 && performance.now() >= until) break;
    const one = openEntry(exchange.ring, entry, meta);
    some.push(one);
    weight += weightOf(one);
  }
  await fetchBodies(exchange, some);
  return some;
}

/** About how much memory an entry takes that is opened: a small payload may have unpacked to much. */
function weightOf(one: Opened): number {
  if (one.kind === 'parked') return 0;
  let sum = one.payload.t?.length ?? 0;
  for (const value of Object.values(one.payload.c)) {
    if (typeof value === 'string') sum += value.length;
  }
  return sum;
}

/** Applies entries for about so long. @returns how many */
function applyFor(
  ms: number,
  context: ApplyContext,
  opened: readonly Opened[],
  sum: Tally,
): number {
  const until = performance.now() + ms;
  let next = 0;
  do {
    const step = applyEntries(context, opened.slice(next, next + STEP_ENTRIES));
    sum.applied += step.applied;
    sum.parked += step.parked;
    next += STEP_ENTRIES;
  } while (next < opened.length && performance.now() < until);
  return Math.min(next, opened.length);
}
