import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clashId, latestByDevice, mergeRegister } from '../../src/model/merge.ts';
import { MUTABLE_TABLES } from '../../src/model/registers.ts';
import type { MutableTable } from '../../src/model/table-kinds.ts';
import {
  clockOf,
  contentHash,
  deviceOf,
  formatVersion,
  type Clock,
} from '../../src/model/version.ts';

/** A state of a register, as some device stamped it. */
interface State {
  readonly version: string;
  readonly content: readonly unknown[];
}

// Few clocks, devices and contents, so that equal ones meet.
const clock = fc.record({ ms: fc.nat(3), counter: fc.nat(1) });
const device = fc.constantFrom('01AAA', '01BBB', 'import');
const value = fc.constantFrom<(string | number | null)[]>(null, 0, 1, 'a', 'b');

/** States of one register of one row; two copies of a store share device and clock. */
function statesOf(table: MutableTable, register: string): fc.Arbitrary<State> {
  const columns = table.registers[register] as readonly string[];
  const lifecycle = table.lifecycle?.register === register ? table.lifecycle : undefined;
  return fc
    .record({
      clock,
      device,
      values: fc.array(value, { minLength: columns.length, maxLength: columns.length }),
      attempt: fc.nat(2),
      status: fc.constantFrom('running', ...(lifecycle?.terminal ?? [])),
    })
    .map((drawn) => {
      const at = (column: string, i: number) => {
        if (!lifecycle) return drawn.values[i];
        if (column === 'attempt') return drawn.attempt;
        return column === 'status' ? drawn.status : drawn.values[i];
      };
      const content = columns.map(at);
      const order = lifecycle && {
        attempt: drawn.attempt,
        terminal: lifecycle.terminal.includes(drawn.status),
      };
      const hash = contentHash(['row', ...content], 'key');
      return { version: formatVersion(drawn.clock, drawn.device, hash, order), content };
    });
}

const NOTHING = { bases: [], ancestors: [] };

/** What stands after one state meets another. */
function join(held: State | undefined, incoming: State): State {
  const { outcome } = mergeRegister(held?.version, incoming.version, NOTHING, () => false);
  return outcome === 'take' || !held ? incoming : held;
}

const joinAll = (states: readonly State[]) =>
  states.reduce<State | undefined>((held, state) => join(held, state), undefined) as State;

const REGISTERS = MUTABLE_TABLES.flatMap((table) =>
  Object.keys(table.registers).map((register) => [table.name, register, table] as const),
);

describe.each(REGISTERS)('the merge of %s.%s', (_, register, table) => {
  const state = statesOf(table, register);

  it('is commutative, associative and idempotent, content and all', () => {
    fc.assert(
      fc.property(state, state, state, (a, b, c) => {
        expect(join(a, b)).toEqual(join(b, a));
        expect(join(join(a, b), c)).toEqual(join(a, join(b, c)));
        expect(join(a, a)).toEqual(a);
        expect(join(join(a, b), b)).toEqual(join(a, b));
      }),
    );
  });

  it('gives the same whatever the order, the grouping and the repetition', () => {
    fc.assert(
      fc.property(
        fc.array(state, { minLength: 1, maxLength: 6 }).chain((list) =>
          fc.record({
            list: fc.constant(list),
            // All of them at least once, in any order.
            shuffled: fc.array(fc.constantFrom(...list)).chain((more) => {
              const all = [...list, ...more];
              return fc.shuffledSubarray(all, { minLength: all.length });
            }),
            at: fc.nat(list.length),
          }),
        ),
        ({ list, shuffled, at }) => {
          const whole = joinAll(list);
          expect(joinAll(shuffled)).toEqual(whole);
          const groups = [shuffled.slice(0, at), shuffled.slice(at)].filter((g) => g.length > 0);
          expect(joinAll(groups.map(joinAll))).toEqual(whole);
        },
      ),
    );
  });
});

describe('mergeRegister', () => {
  const stamps = fc.record({
    ms: fc.nat(4),
    device: fc.constantFrom('A', 'B', 'C', 'import'),
  });
  const versions = stamps.map(({ ms, device }) =>
    formatVersion({ ms, counter: 0 }, device, '000000000000'),
  );
  const lineages = fc.record({ bases: fc.array(versions), ancestors: fc.array(versions) });
  const isOwn = (device: string) => device === 'A';

  it('is a pure function: it changes nothing that it is given, and answers the same again', () => {
    fc.assert(
      fc.property(fc.option(versions), versions, lineages, (held, incoming, lineage) => {
        Object.values(lineage).forEach(Object.freeze);
        const merge = () => mergeRegister(held ?? undefined, incoming, lineage, isOwn);
        expect(merge()).toEqual(merge());
      }),
    );
  });

  it('reports a conflict only where a version is overwritten that its writer did not know', () => {
    fc.assert(
      fc.property(versions, versions, lineages, (held, incoming, lineage) => {
        const { outcome, conflict } = mergeRegister(held, incoming, lineage, isOwn);
        const known = [...lineage.bases, ...lineage.ancestors];
        const follows = [...known, incoming].some(
          (one) => deviceOf(one) === deviceOf(held) && one > held,
        );
        const trusted = !['A', 'import'].includes(deviceOf(held));
        const wasKnown = known.includes(held) || (trusted && follows);
        expect(conflict).toBe(incoming > held && !wasKnown);
        expect(outcome).toBe(incoming > held ? 'take' : incoming === held ? 'same' : 'keep');
      }),
    );
  });

  it('takes whatever comes where nothing is held', () => {
    const taken = { outcome: 'take', conflict: false };
    expect(mergeRegister(undefined, '1', NOTHING, isOwn)).toEqual(taken);
    expect(mergeRegister('', '1', NOTHING, isOwn)).toEqual(taken);
  });
});

describe('latestByDevice', () => {
  it('keeps of each device the latest version, and forgets those that wrote longest ago', () => {
    const of = (ms: number, device: string) =>
      formatVersion({ ms, counter: 0 }, device, '000000000000');
    expect(latestByDevice([of(1, 'A'), of(3, 'A'), of(2, 'B')])).toEqual([of(3, 'A'), of(2, 'B')]);
    const many = Array.from({ length: 40 }, (_, i) => of(i, `D${i}`));
    expect(latestByDevice(many)).toEqual(many.slice(8).reverse());
  });
});

describe('the order of versions', () => {
  const wide = fc.record({ ms: fc.nat(2 ** 47), counter: fc.nat(0xffff) });
  const wins = (incoming: string, held: string) =>
    mergeRegister(held, incoming, NOTHING, () => false).outcome === 'take';
  const lifecycle = (at: Clock, attempt: number, terminal: boolean, hash = '000000000000') =>
    formatVersion(at, '01AAA', hash, { attempt, terminal });

  it('lets no late progress report reopen finished work, however late its clock', () => {
    fc.assert(
      fc.property(wide, wide, fc.nat(0xffffff), (end, report, attempt) => {
        expect(wins(lifecycle(report, attempt, false), lifecycle(end, attempt, true))).toBe(false);
        expect(wins(lifecycle(end, attempt, true), lifecycle(report, attempt, false))).toBe(true);
      }),
    );
  });

  it('lets the next attempt win over every report and end of the one before', () => {
    fc.assert(
      fc.property(wide, wide, fc.nat(0xfffffe), fc.boolean(), (retry, old, attempt, terminal) => {
        const again = lifecycle(retry, attempt + 1, false);
        expect(wins(again, lifecycle(old, attempt, terminal))).toBe(true);
        expect(wins(lifecycle(old, attempt, terminal), again)).toBe(false);
      }),
    );
  });

  it('orders equal stamps of two copies of one store by their content, the same everywhere', () => {
    fc.assert(
      fc.property(wide, fc.json(), fc.json(), (at, one, other) => {
        const stamp = (text: string) => formatVersion(at, '01AAA', contentHash([text], 'key'));
        const [a, b] = [stamp(one), stamp(other)];
        expect(a === b).toBe(one === other);
        if (one !== other) expect(wins(a, b)).toBe(!wins(b, a));
        expect(clockOf(a)).toEqual(clockOf(b));
      }),
    );
  });
});

describe('clashId', () => {
  it('depends on the content alone, and differs with it', () => {
    const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), hash, hash, (id, a, b) => {
        expect(clashId(id, a)).toBe(clashId(id, a));
        expect(clashId(id, a) === clashId(id, b)).toBe(a.slice(0, 16) === b.slice(0, 16));
        expect(clashId(id, a)).not.toBe(id);
      }),
    );
  });
});
