import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { releaseClosed } from '../../../src/db/release.ts';
import type { Random } from '../../simulation/random.ts';
import { tempFolder } from '../../support/temp-store.ts';
import type { Disk, Fate } from './disk.ts';
import type { DiskEvent, TracedEvent } from './trace.ts';

/** How many images an everyday run makes of each is multiplied by this. */
const FACTOR = Number(process.env['DISK_IMAGES'] ?? 1);

const ORDINARY: ReadonlySet<string> = new Set(['write', 'open', 'mode', 'sync-begin']);

/** What is left after a power cut. */
export interface Image {
  /** In the place of the folder that was recorded. */
  readonly root: string;
  /** What the program had said when the power went. */
  readonly said: readonly string[];
}

/**
 * Cuts the power at random moments of a recording, and has what is left looked at.
 *
 * @param disk - as it was when the recording began
 * @returns how much was left to chance in all images
 */
export async function eachImage(
  events: readonly TracedEvent[],
  disk: Disk,
  { count, random }: { readonly count: number; readonly random: Random },
  look: (image: Image) => Promise<void>,
): Promise<number> {
  const cuts = chooseCuts(events, Math.ceil(count * FACTOR), random);
  const folder = tempFolder();
  const said: string[] = [];
  let done = 0;
  let undecided = 0;
  for (const [i, { at, fate }] of cuts.entries()) {
    for (const { event } of events.slice(done, at)) {
      disk.apply(event);
      if (event.kind === 'said') said.push(...event.text.split('\n'));
    }
    done = at;
    const root = mkdtempSync(join(folder, 'image-'));
    undecided += disk.image(root, random, fate).undecided;
    try {
      await look({ root, said: [...said] });
    } catch (error) {
      throw new Error(`image ${i}, after event ${at} of ${events.length}`, { cause: error });
    }
    rmSync(root, { recursive: true });
    // The driver lets go of files only then.
    if (i % 20 === 19) await releaseClosed();
  }
  // There was something to lose.
  expect(undecided).toBeGreaterThan(cuts.length);
  return undecided;
}

interface Cut {
  readonly at: number;
  readonly fate: Fate | undefined;
}

/**
 * Each moment at which a job was done, with the hardest outcome; of the rest, half anywhere, half
 * where something was just promised, synced or renamed.
 */
function chooseCuts(events: readonly TracedEvent[], count: number, random: Random): Cut[] {
  const indexes = (isWanted: (event: DiskEvent) => boolean) =>
    events.flatMap(({ event }, i) => (isWanted(event) ? [i + 1] : []));
  const cuts: Cut[] = indexes(
    (event) => event.kind === 'said' && !event.text.startsWith('ACK'),
  ).map((at) => ({ at, fate: 'none' }));
  const moments = indexes(({ kind }) => !ORDINARY.has(kind));
  while (cuts.length < count) {
    const at = random.chance(0.5)
      ? random.below(events.length + 1)
      : random.pick(moments) + random.below(2);
    cuts.push({ at, fate: undefined });
  }
  return cuts.sort((a, b) => a.at - b.at);
}
