// The sync worker of a device in a process of its own, and readers that follow the events.
import { openHere, config, serve, tell } from './protocol.mjs';

const store = await openHere();

async function follow([thread, after]) {
  for await (const { seq, type } of store.events.follow(thread, after)) {
    tell({ t: 'event', thread, seq, type });
  }
}

const signal = new AbortController().signal;
async function watch() {
  for await (const _report of store.sync.watch({ signal }));
}

tell({ t: 'ready' });
await Promise.all([serve({}), watch(), ...config.follow.map(follow)]);
