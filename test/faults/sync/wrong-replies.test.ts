import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { StoreError } from '../../../src/index.ts';
import type { Random } from '../../simulation/random.ts';
import { startSqld } from '../../support/sqld.ts';
import { BaseLoad } from './base-load.ts';
import { expectWhole } from './checkers.ts';
import { identityOf, joinHub } from './member.ts';
import { rounds, seeded } from './seed.ts';

/** A cache in the way that now and then answers with what the hub once said to another request. */
async function startMuddler(hub: string, random: Random) {
  const said: string[] = [];
  const state = { on: false, muddled: 0, url: '' };
  const server = createServer((incoming, reply) => {
    void (async () => {
      let body = '';
      for await (const part of incoming) body += String(part);
      const answer = await fetch(hub + (incoming.url ?? ''), { method: 'POST', body });
      const text = await answer.text();
      const muddling = state.on && said.length > 0 && random.chance(0.3);
      if (muddling) state.muddled++;
      else if (said.push(text) > 200) said.shift();
      reply.writeHead(answer.status, { 'content-type': 'application/json' });
      reply.end(muddling ? random.pick(said) : text);
    })().catch(() => reply.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return state;
}

it('what the hub said to another request is taken for no answer: nothing comes of it', async () => {
  const random = seeded('wrong replies');
  const sqld = await startSqld();
  const muddler = await startMuddler(sqld.url, random);
  const load = new BaseLoad(random);
  const a = await joinHub('a', muddler.url);
  const b = await joinHub('b', sqld.url);
  await load.begin(a);
  for (const member of [a, b, a]) await member.sync();
  const identity = identityOf(a);

  muddler.on = true;
  for (let round = 0; round < rounds(30); round++) {
    for (const member of [a, b]) await load.burst(member, 1);
    await b.sync();
    await a.sync().catch((error: unknown) => {
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ code: 'HUB_UNREACHABLE', retryable: true });
    });
  }
  expect(muddler.muddled).toBeGreaterThan(5);
  expect(identityOf(a)).toEqual(identity);
  expect(await a.store.sync.parked()).toEqual([]);
  muddler.on = false;
  await expectWhole({ load, members: [a, b], url: sqld.url });
});
