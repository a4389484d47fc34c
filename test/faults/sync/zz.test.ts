import { it } from 'vitest';
import { startSqld } from '../../support/sqld.ts';
import { BaseLoad } from './base-load.ts';
import { joinHub } from './member.ts';
import { seeded } from './seed.ts';
it('x', async () => {
  const sqld = await startSqld();
  const load = new BaseLoad(seeded('x'));
  const a = await joinHub('a', sqld.url);
  await load.begin(a);
  await a.sync();
  const b = await joinHub('b', sqld.url);
  await b.sync();
  for (const m of [a, b]) {
    console.log(m.name, m.rows('select kind, ref_id, indexed from search_docs'), m.rows('select id from tasks union select id from sessions'), (await m.store.check()).checks.filter((c) => !c.ok));
  }
});
