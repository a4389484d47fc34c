// The store against what one would use instead, in turns on the same records: `peers-local` on one
// machine, `peers-sync` between two devices through each one's own server, `peers-trip` row by row.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BATCH, EVENTS, HITS, NEWEST, SESSIONS, batches } from './contenders/records.mjs';
import { median, quantile, time } from './measure.mjs';
import { tripTimes } from './sync-trip.mjs';

const FOLDER = fileURLToPath(new URL('./peers/', import.meta.url));
const TRIP_WRITER = fileURLToPath(new URL('./peers/trip-writer.mjs', import.meta.url));
const PACKAGES = ['@tursodatabase/sync', '@tursodatabase/cli-linux-x64-gnu', 'pouchdb'];
const APPENDS = 200;
const SYNCED = 50_000;
const TRIPS = 200;

const PEERS = { Turso: 'turso', PouchDB: 'pouchdb' };

/**
 * Installs the peers where they are missing, in a folder of their own, without running scripts. Not by
 * `npm ci`: that fails where a registry lacks a peer's package for another platform.
 */
export function installPeers(say) {
  if (PACKAGES.every((name) => existsSync(join(FOLDER, 'node_modules', name)))) return;
  say('installing the peers');
  execFileSync('npm', ['install', '--no-save', '--prefix', FOLDER, '--ignore-scripts'], {
    stdio: 'ignore',
  });
}

/** `name version` of each peer that is installed. */
export function peerVersions() {
  return PACKAGES.concat('express-pouchdb', 'leveldown').map((name) => {
    const file = join(FOLDER, 'node_modules', name, 'package.json');
    return `${name} ${JSON.parse(readFileSync(file, 'utf8')).version}`;
  });
}

const peer = (name) => import(`./peers/${PEERS[name]}.mjs`);

/** @returns `{ work, results: { contender: { ms } } }` for each work that stays on one machine */
export async function peersLocal(_library, folder, rounds, say) {
  installPeers(say);
  const place = (name) => join(folder, 'peers-local', name);
  say(`filling each with ${SESSIONS} sessions of two messages`);
  const contenders = {};
  const { open: openLegacy } = await import('./contenders/legacy.mjs');
  contenders['legacy files'] = openLegacy(place('legacy'));
  const { open: openOwn } = await import('./contenders/store.mjs');
  contenders.store = await openOwn(place('store'), join(place('legacy'), 'home'));
  const { open: openNative } = await import('./contenders/native.mjs');
  contenders['libsql binding'] = openNative(join(place('store'), 'copy.db'));
  for (const name of Object.keys(PEERS))
    contenders[name] = await (await peer(name)).open(place(name));
  try {
    return await measureLocal(contenders, rounds, say);
  } finally {
    for (const contender of Object.values(contenders)) await contender.close();
  }
}

async function measureLocal(contenders, rounds, say) {
  const newest = await contenders.store.newest();
  const same = (ids) => JSON.stringify(ids) === JSON.stringify(newest);
  const works = [
    ['append', 'append one event, durable where it can be', APPENDS, () => true],
    ['newest', `newest ${NEWEST} of ${many(SESSIONS)} sessions`, 5, same],
    ['search', `find a word in ${many(2 * SESSIONS)} messages`, 1, (hits) => hits === HITS],
    ['write', `write ${many(EVENTS)} events in batches of ${many(BATCH)}`, 1, () => true],
    ['read', `read them in pages of ${many(BATCH)}`, 1, (count) => count === EVENTS],
  ];
  const rows = [];
  for (const [method, work, repeats, right] of works) {
    const times = {};
    // The first round warms up.
    for (let round = 0; round <= rounds; round++) {
      say(`${work}, round ${round} of ${rounds}`);
      for (const [name, contender] of Object.entries(contenders)) {
        if (!contender[method]) continue;
        const each = [];
        for (let i = 0; i < repeats; i++) {
          let answer;
          each.push(await time(async () => (answer = await contender[method]())));
          if (!right(answer)) throw new Error(`${name}: wrong answer to: ${work}`);
        }
        if (round > 0) (times[name] ??= []).push(median(each));
      }
    }
    rows.push({ work, results: mapValues(times, (list) => ({ ms: median(list) })) });
  }
  return rows;
}

/** @returns the same for what goes through a server */
export async function peersSync(_library, folder, rounds, say) {
  installPeers(say);
  const { contender } = await import('./contenders/store-sync.mjs');
  const contenders = { store: contender(false), sealed: contender(true) };
  for (const name of Object.keys(PEERS)) contenders[name] = await peer(name);
  const lists = batches(SYNCED);
  const times = {};
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const [name, one] of Object.entries(contenders)) {
      say(`push and bootstrap of ${SYNCED} rows, ${name}, round ${round} of ${rounds}`);
      const place = join(folder, 'peers-sync');
      const took = await exchange(one, place, lists);
      rmSync(place, { recursive: true, force: true });
      if (round > 0) (times[name] ??= []).push(took);
    }
  }
  const { sealed, ...open } = times;
  const row = (work, by, key) => ({
    work,
    results: mapValues(by, (list) => ({ ms: median(list.map((took) => took[key])) })),
  });
  const push = `push ${many(SYNCED)} rows`;
  const fresh = `a second device, until ${many(SYNCED)} rows can be read`;
  return [
    row(push, open, 'push'),
    row(`${push}, end-to-end encrypted`, { store: sealed }, 'push'),
    row(fresh, open, 'bootstrap'),
    row(`${fresh}, end-to-end encrypted`, { store: sealed }, 'bootstrap'),
  ];
}

async function exchange(one, place, lists) {
  const server = await one.startServer(join(place, 'server'));
  try {
    const device = await one.device(join(place, 'a'), server.url, lists);
    const push = await time(() => device.push());
    await device.close();
    let rows;
    const bootstrap = await time(async () => {
      rows = await one.bootstrap(join(place, 'b'), server.url, device);
    });
    if (rows !== SYNCED) throw new Error(`${rows} of ${SYNCED} rows came over`);
    return { push, bootstrap };
  } finally {
    await server.stop();
  }
}

/** @returns one row from A to B, the middle and the 95th of a hundred */
export async function peersTrip(library, folder, _rounds, say) {
  installPeers(say);
  const took = { store: await tripTimes(library, join(folder, 'peers-trip', 'store'), TRIPS, say) };
  for (const [name, module] of Object.entries(PEERS)) {
    say(`${TRIPS} rows from A to B, ${name}`);
    took[name] = await peerTrip(await peer(name), module, join(folder, 'peers-trip', name));
  }
  const row = (part, name) => ({
    work: `one row from A to B, ${name}`,
    results: mapValues(took, (list) => ({ ms: quantile(list, part) })),
  });
  return [row(0.5, `median of ${TRIPS}`), row(0.95, '95th of 100')];
}

async function peerTrip(one, module, place) {
  const server = await one.startServer(join(place, 'server'));
  const writer = fork(TRIP_WRITER, [module, join(place, 'a'), server.url]);
  try {
    await once(writer, 'message');
    const reader = await one.tripReader(join(place, 'b'), server.url);
    const took = [];
    for (let i = 0; i < TRIPS; i++) {
      const arrival = reader.next();
      await sleep(60 + Math.random() * 60);
      writer.send('write');
      const [[{ at }], end] = await Promise.all([
        once(writer, 'message'),
        arrival.then(() => performance.timeOrigin + performance.now()),
      ]);
      took.push(end - at);
    }
    await reader.close();
    return took;
  } finally {
    writer.disconnect();
    await once(writer, 'exit');
    await server.stop();
  }
}

const many = (count) => count.toLocaleString('en');

const mapValues = (record, change) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
