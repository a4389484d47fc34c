import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
const [lib, url, fill] = process.argv.slice(2);
const { openStore } = await import(lib);
const dir = mkdtempSync(join(tmpdir(), 'p99-'));
if (fill) {
  const a = await openStore({ path: join(dir, 'a.db'), durability: 'normal' });
  const t = await a.runtime.createThread({ workspace: '/w', model: 'm' });
  for (let i = 0; i < 300; i++) await a.events.append(t.id, Array.from({ length: 100 }, (_, k) => ({ type: 'x.y', payload: { text: 'hello world '.repeat(15), i, k } })));
  await a.sync.enable(url, { encryption: false });
  console.log('pushed', await a.sync.now());
  await a.close();
} else {
  const b = await openStore({ path: join(dir, 'b.db') });
  await b.sync.enable(url, { encryption: false, pull: process.env.PULL ?? 'auto' });
  const write = async () => { const s = performance.now(); await b.audit.append({ event: 'e', details: { a: 1 } }); const e = performance.now() - s; await sleep(2 + Math.random()*3); return e; };
  for (let i=0;i<50;i++) await write();
  const p = (l, q) => l.sort((x, y) => x - y)[Math.floor(l.length * q)]?.toFixed(2);
  const idle = []; for (let i = 0; i < 400; i++) idle.push(await write());
  const start = performance.now();
  let done; const end = new Promise(r => b.sync.on('applied', (n) => { if (n > 1000) { done = performance.now(); r(); } }));
  await b.sync.start();
  const during = [];
  while (!done) during.push(await write());
  const after = []; for (let i = 0; i < 400; i++) after.push(await write());
  console.log(`step ${process.env.STEP} rest ${process.env.REST} rows/s ${(30000 / (done - start) * 1000).toFixed(0)} idle p50 ${p(idle, .5)} p99 ${p(idle, .99)} during n=${during.length} p50 ${p(during, .5)} p95 ${p(during,.95)} p99 ${p(during, .99)} max ${p(during,.9999)} after p99 ${p(after,.99)}`);
  await b.close();
}
