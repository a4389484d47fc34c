import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { builtLibrary } from './built-library.ts';

/**
 * Two processes make the same calls on one store, one after the other, as fast as they can.
 *
 * @param call - the source of an async function of the store and of one of `args`
 * @returns per process, for each of `args` `won` or the code of the error
 */
export async function claimRace(
  path: string,
  call: string,
  args: readonly unknown[],
): Promise<string[][]> {
  const source = `
    const { openStore } = await import(${JSON.stringify(await builtLibrary())});
    const store = await openStore({ path: ${JSON.stringify(path)} });
    const call = ${call};
    process.stdout.write('ready\\n');
    await new Promise((resolve) => process.stdin.once('data', resolve));
    const outcomes = [];
    for (const arg of ${JSON.stringify(args)}) {
      outcomes.push(await call(store, arg).then(() => 'won', (error) => error.code));
    }
    await store.close();
    process.stdout.write(JSON.stringify(outcomes));
    process.stdin.destroy();`;
  const children = [0, 1].map(() =>
    spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  await Promise.all(children.map((child) => once(child.stdout, 'readable')));
  for (const child of children) child.stdin.write('go');
  const outputs = await Promise.all(children.map((child) => text(child.stdout)));
  return outputs.map((output) => JSON.parse(output.replace('ready\n', '')) as string[]);
}
