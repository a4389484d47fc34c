import { expect, it } from 'vitest';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { startSqld } from '../../support/sqld.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { BaseLoad } from './base-load.ts';
import { expectWhole, hubReader } from './checkers.ts';
import { identityOf, joinHub } from './member.ts';
import { rounds, seeded } from './seed.ts';

it('a hub that is killed in the middle of pushes loses and repeats nothing', async () => {
  const random = seeded('kills of the hub');
  const sqld = await startSqld();
  // All pass through it: it tells when a push has arrived at the hub's door.
  let onPush: () => void = () => undefined;
  const proxy = await startFaultProxy(sqld.url, {
    only: (request) => {
      if (Number(request.headers['content-length']) > 8000) onPush();
      return false;
    },
  });
  const load = new BaseLoad(random);
  const a = await joinHub('a', proxy.url);
  await load.begin(a);
  await a.sync();
  const b = await joinHub('b', proxy.url);
  await b.sync();
  const known = [identityOf(a), identityOf(b)];

  const count = rounds(12);
  const failed = { committed: 0, not: 0 };
  for (let round = 0; round < count; round++) {
    const [writer, other] = random.chance(0.5) ? [a, b] : [b, a];
    await load.burst(writer, 30);
    await load.burst(other, 3);
    const pushed = new Promise<void>((resolve) => {
      onPush = resolve;
    });
    const outcome = Promise.allSettled([writer.sync(), other.sync()]);
    await pushed;
    await sleep(random.below(30));
    await sqld.kill();
    const [mine] = await outcome;
    await sqld.restart();
    if (mine.status === 'fulfilled') continue;
    expect(mine.reason).toMatchObject({ code: 'HUB_UNREACHABLE', retryable: true });
    const [sent, device] =
      writer.row('select s.sent_token, d.id from sync_state s, device d') ?? [];
    const ask = hubReader(sqld.url);
    const found = await ask('select push_token from hub_devices where id = ?', String(device));
    failed[found[0]?.[0] === sent ? 'committed' : 'not']++;
  }
  console.log(`${count} kills; of the pushes that failed`, failed);
  expect(failed.committed + failed.not).toBeGreaterThanOrEqual(Math.ceil(count / 3));
  await expectWhole({ load, members: [a, b], url: sqld.url });
  expect([identityOf(a), identityOf(b)]).toEqual(known);
});
