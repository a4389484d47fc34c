import { it, expect } from 'vitest';
import { startSqld } from '/work/main/test/support/sqld.ts';
import { tempFolder } from '/work/main/test/support/temp-store.ts';
import { builtLibrary } from '/work/main/test/support/built-library.ts';
it('smoke', async () => {
  const { openStore } = (await import(await builtLibrary())) as typeof import('/work/main/src/index.ts');
  const sqld = await startSqld();
  const a = await openStore({ path: tempFolder() + '/store.db' });
  const b = await openStore({ path: tempFolder() + '/store.db' });
  await a.sync.enable(sqld.url, { encryption: false });
  await b.sync.enable(sqld.url, { encryption: false });
  await a.sync.start(); await b.sync.start();
  console.log(performance.now());
  await new Promise(r => setTimeout(r, 1500));
  const times: number[] = [];
  for (let i = 0; i < 30; i++) {
    const t = performance.now();
    const got = new Promise<void>((done) => { const f = () => { b.sync.off('applied', f as never); done(); }; b.sync.on('applied', f); });
    const s = await a.sessions.create({ title: 't' + i, workspace: '/w', model: 'm' });
    await got;
    times.push(performance.now() - t);
    await new Promise(r => setTimeout(r, 120));
  }
  console.log(times.map(t=>t.toFixed(0)).join(' '));
  console.log(await b.sync.status());
  let t = performance.now(); await a.close(); console.log('close', performance.now() - t);
  t = performance.now(); await b.close(); console.log('close', performance.now() - t);
});
