/**
 * Hunts for a run of the model that breaks a check.
 *
 *   node test/model/protocol/run.mjs [--runs N] [--seed N] [--ext offer,chunk|all|none]
 *     [--off rule,rule] [--shrink] [--trace]
 *   node test/model/protocol/run.mjs --mutations [--only rule,rule+rule] [--runs N] [--seed N]
 *
 * `--off` takes rules away; `--mutations` does so one at a time and shows which check notices.
 */
import { parseArgs } from 'node:util';
import { hunt, play } from './hunt.mjs';
import { ADVISED_AGAINST, EXTENSIONS, RULES } from './rules.mjs';
import { Violation } from './versions.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    ext: { type: 'string', default: 'all' },
    off: { type: 'string', default: '' },
    only: { type: 'string', default: '' },
    mutations: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
});
const words = (text) => text.split(',').filter((word) => word !== '' && word !== 'none');
const runs = Number(values.runs);
const seed = Number(values.seed);
const extensions = values.ext === 'all' ? EXTENSIONS : words(values.ext);

if (values.mutations) mutations();
else once([...ADVISED_AGAINST, ...words(values.off)]);

function once(off) {
  const began = Date.now();
  const { result, stats } = hunt({ off, extensions, runs, seed, shrink: values.shrink });
  const outcome = result.failed ? 'FAILED' : 'no violation';
  console.log(`seed ${seed}: ${result.numRuns} runs, ${outcome}, ${Date.now() - began} ms`);
  console.log(JSON.stringify(stats));
  if (!result.failed) return;
  const [list] = result.counterexample;
  const error = result.errorInstance;
  console.log(error instanceof Violation ? error.message : error.stack);
  console.log(JSON.stringify(list));
  try {
    play(list, off, values.trace ? console.log : null);
  } catch (again) {
    console.log('=>', again.message);
  }
  process.exitCode = 1;
}

function mutations() {
  const all = Object.keys(RULES).filter((rule) => !ADVISED_AGAINST.includes(rule));
  for (const rule of values.only ? words(values.only) : all) {
    const off = [...ADVISED_AGAINST, ...rule.split('+')];
    const { result } = hunt({ off, extensions, runs, seed });
    const check = result.failed ? String(result.errorInstance.message).split(' ')[0] : '';
    const origin = RULES[rule]?.[0] ?? 'several';
    console.log(
      `| ${rule} | ${origin} | ${result.failed ? 'yes' : 'no'} | ${result.numRuns} | ${check} |`,
    );
  }
}
