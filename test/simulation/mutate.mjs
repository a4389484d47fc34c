// node test/simulation/mutate.mjs [--seeds N] [--seed S] [--only name,name]
// Takes each guard of sync away, one at a time, and tells at which seed the simulation turns red.
import { parseArgs } from 'node:util';
import { MUTATIONS } from './mutations.mjs';
import { simulate } from './run.mjs';

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '500' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
    },
  });
  const names = values.only?.split(',') ?? Object.keys(MUTATIONS);
  for (const name of names) {
    const mutated = simulate({
      seeds: Number(values.seeds),
      seed: Number(values.seed),
      mutation: MUTATIONS[name],
      stopAtFirst: true,
    });
    const { failures, wrong } = await mutated.catch((error) => ({ failures: [], wrong: error }));
    const [first] = failures;
    console.log(
      first
        ? `${name}: red at seed ${first.seed}: ${first.error.split('\n')[0].slice(0, 120)}`
        : `${name}: ${wrong ? `cannot be applied, ${wrong.message}` : 'NOT CAUGHT'}`,
    );
    if (!first) process.exitCode = 1;
  }
}

await main();
