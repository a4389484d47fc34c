import { describe, expect, it } from 'vitest';
import { SEED } from '../../support/seed.ts';
import { hunt, play } from './hunt.mjs';
import { ADVISED_AGAINST, EXTENSIONS, RULES } from './rules.mjs';
import { SCENARIOS } from './scenarios.mjs';

const RUNS = 600;

/** What did not hold, in the words of the check; null when all did. */
function broken(
  without: readonly string[],
  extensions: readonly string[],
  runs: number,
  seed: number,
) {
  const off = [...ADVISED_AGAINST, ...without];
  const { result } = hunt({ off, extensions, runs, seed });
  return result.failed ? messageOf(result.errorInstance) : null;
}

function outcomeOf(rule: string, without: readonly string[]): string | null {
  try {
    play(SCENARIOS[rule] ?? [], [...ADVISED_AGAINST, ...without]);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

describe('the protocol as a model', () => {
  it('holds', () => {
    expect(broken([], EXTENSIONS, RUNS, SEED), `--seed ${SEED} --runs ${RUNS}`).toBeNull();
  });

  // How many runs it took when this was written, three times over, says how many are drawn.
  it.each([
    ['exactTrim', [], 5400, 'C'],
    ['hubGuard+answersEarlier', [], 100, 'C2'],
    ['cursorInTx', [], 100, 'C'],
    ['replyFence+ownMark', [], 100, 'C'],
    ['offerAll', [], 100, 'C'],
    ['copyCompared', ['copy'], 100, 'C'],
    ['ownRead', ['send'], 100, 'C'],
    ['sendReads', ['send'], 100, 'C3'],
    ['ownExact', ['bases'], 300, 'C9'],
    ['leafNewest', ['branch'], 100, 'C22'],
    ['leafOwn', ['branch'], 100, 'C12'],
    ['leafChosen', ['branch'], 200, 'C12'],
    ['leafGrows', ['branch'], 200, 'C22'],
    ['chunksFirst', ['chunk'], 100, 'C'],
    ['chunksByEpoch', ['chunk'], 100, 'C'],
    ['markBeats', ['purge'], 100, 'C16'],
    ['pushLock', ['key'], 100, 'C17'],
    ['sealedLock', ['key', 'offer'], 500, 'C17'],
    ['keysFollow', ['key'], 100, 'C17'],
    ['lockUp', ['key'], 100, 'C2'],
    ['keepsPlace', ['key'], 900, 'C18'],
    ['takeFuture', ['damage'], 100, 'C2'],
    ['provenKeys', ['damage'], 100, 'C21'],
    ['floorBelieved', ['damage'], 300, 'C10'],
    ['ownMark', ['damage'], 100, 'C5'],
    ['takeOff', ['damage'], 100, 'C2'],
    ['takeRaises', ['damage'], 100, 'C2'],
    ['damagedWaits', ['damage'], 100, 'C2'],
    ['ownerOnly', ['owner'], 300, 'C14'],
    ['stopWhenHeard', ['owner'], 300, 'C14'],
    ['handOverRaises', ['owner'], 300, 'C15'],
    ['carriesOn', ['routine'], 100, 'C19'],
  ])('notices that %s is missing', (rule, extensions, runs, check) => {
    const rules = rule.split('+');
    for (const one of rules) expect(RULES).toHaveProperty(one);
    const found = broken(rules, extensions, runs, 7);
    expect(found).not.toBeNull();
    expect(found?.startsWith(check)).toBe(true);
  });

  it('lists fewer successors as conflicts by ancestors than without', () => {
    const falseConflicts = (off: readonly string[]) =>
      hunt({ off: [...ADVISED_AGAINST, ...off], extensions: ['bases'], runs: RUNS, seed: 3 }).stats[
        'falseConflicts'
      ];
    expect(falseConflicts([])).toBeLessThan((falseConflicts(['ancestors']) ?? 0) / 2);
  });

  it.each(Object.keys(SCENARIOS))('needs %s in a run made for it', (rule) => {
    expect(outcomeOf(rule, [])).toBeNull();
    expect(outcomeOf(rule, rule.split('+'))).toMatch(/^C\d/);
  });
});
