import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../simulation/random.ts';
import { builtLibrary } from '../support/built-library.ts';
import { checkAll, checkFresh } from './final-checks.ts';
import { Resources } from './resources.ts';
import { comeToRest, goOn, heal } from './rest.ts';
import { counts, Schedule } from './schedule.ts';
import { World } from './world.ts';

const MINUTE = 60_000;
/** Between two times at which all is healed and looked at. */
const PHASE_MS = 3 * MINUTE;
const QUIET_MS = 5000;
const PROGRESS_MS = 10_000;
const WATCH_MS = 1000;
/** A run of so long that lacks a kind of fault has not shown what it is to show. */
const EVERY_KIND_MS = 5 * MINUTE;

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** The folder of the repository. */
  readonly root: string;
}

/**
 * Five devices and a hub under all faults for so many minutes, then every check.
 *
 * @returns whether everything held
 */
export async function soak({ minutes, seed, root }: SoakOptions): Promise<boolean> {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const dirty = git('status', '--porcelain') === '' ? '' : ' and changes that are not committed';
  console.log(`soak: ${minutes} minutes, seed ${seed}, commit ${git('rev-parse', 'HEAD')}${dirty}`);
  const folder = mkdtempSync(join(tmpdir(), 'cws-soak-'));
  const legacyHome = join(folder, 'legacy');
  const generator = join(root, 'test', 'support', 'make-legacy-home.mjs');
  const small = ['--sessions', '5', '--events', '50', '--tasks', '5', '--audit', '20'];
  execFileSync(process.execPath, [generator, legacyHome, '--quiet', ...small], { stdio: 'ignore' });
  const world = await World.make({
    ...{ random: new Random(seed), folder, legacyHome },
    scripts: join(root, 'test', 'soak', 'child'),
    library: await builtLibrary(),
  });
  const resources = new Resources(world);
  const progress = setInterval(() => {
    resources.sample();
    tellProgress(world);
  }, PROGRESS_MS);
  const watch = setInterval(() => {
    world.watchStatus();
  }, WATCH_MS);
  try {
    await runPhases(world, minutes * MINUTE);
    if (minutes * MINUTE >= EVERY_KIND_MS && world.violations.length === 0) {
      for (const [kind, count] of counts(world)) {
        if (count === 0) world.violation(`the fault "${kind}" never happened`);
      }
    }
  } catch (error) {
    world.violation(error);
  } finally {
    clearInterval(progress);
    clearInterval(watch);
    resources.sample();
    await world.discard();
  }
  report(world, resources);
  const held = world.violations.length === 0;
  if (held) rmSync(folder, { recursive: true, force: true });
  else {
    console.log(`${world.violations.length} violations:\n${world.violations.join('\n')}`);
    console.log(
      `evidence: ${folder}\nagain: npm run test:soak -- --minutes ${minutes} --seed ${seed}`,
    );
  }
  return held;
}

async function runPhases(world: World, ms: number): Promise<void> {
  await goOn(world);
  await sleep(Math.min(QUIET_MS, ms / 10));
  world.latencies.during = 'faults';
  const schedule = new Schedule(world);
  const end = performance.now() + ms;
  for (;;) {
    const left = end - performance.now();
    // No short rest of a phase at the end.
    await schedule.run(left < 1.5 * PHASE_MS ? left : PHASE_MS);
    if (world.violations.length > 0) return;
    await heal(world);
    const tookMs = await comeToRest(world);
    world.log(`at rest after ${(tookMs / 1000).toFixed(1)} s`);
    await checkAll(world);
    if (world.violations.length > 0) return;
    if (performance.now() > end) break;
    await goOn(world);
  }
  await checkFresh(world);
}

function tellProgress(world: World): void {
  const happened = [...counts(world).values()].reduce((sum, count) => sum + count, 0);
  const { acked, rows } = world.ledger;
  world.log(`${acked} writes acknowledged, ${rows.size} rows, ${happened} faults`);
}

function report(world: World, resources: Resources): void {
  const list = (entries: Iterable<readonly [string, number]>) =>
    [...entries].map(([name, count]) => `${name} ${count}`).join(', ');
  const kinds = counts(world);
  console.log(`faults: ${list(kinds)}`);
  console.log(`besides: ${list([...world.happened].filter(([name]) => !kinds.has(name)))}`);
  console.log(`${world.ledger.acked} writes acknowledged; ${String(world.latencies)}`);
  for (const line of resources.lines()) console.log(line);
}
