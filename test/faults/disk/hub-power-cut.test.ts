import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { EnableOptions } from '../../../src/index.ts';
import { builtLibrary } from '../../support/built-library.ts';
import { freePort, sqldBinary } from '../../support/sqld.ts';
import { tempFolder } from '../../support/temp-store.ts';
import { BaseLoad } from '../sync/base-load.ts';
import { expectWhole, hubReader } from '../sync/checkers.ts';
import { identityOf, joinHub, openMember, type Member } from '../sync/member.ts';
import { rounds, seeded } from '../sync/seed.ts';
import { Disk } from './disk.ts';
import { tracing } from './record.ts';
import { readTrace } from './trace.ts';

const HOST = fileURLToPath(new URL('hub-host.mjs', import.meta.url));

/** What the hub had said, and how much of the recording there was by then. */
interface Acknowledged {
  readonly end: number;
  readonly head: number;
}

interface Hosted {
  readonly url: string;
  readonly tokenFile: string;
  /** How far it is. */
  head(): Promise<number>;
  stop(): Promise<void>;
}

/** Runs `hub.start` in a process of its own. @param command - what runs it */
async function hostHub(
  dir: string,
  port: number,
  command: readonly string[] = [],
): Promise<Hosted> {
  const words = [process.execPath, HOST, await builtLibrary(), dir, String(port), sqldBinary];
  const [program = '', ...args] = [...command, ...words];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const stop = async () => {
    child.stdin.end();
    await ended;
  };
  onTestFinished(stop);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line: IteratorResult<string, unknown> = await lines.next();
  if (line.done) throw new Error(`the hub did not start: ${errors.join('')}`);
  const { url, tokenFile } = JSON.parse(line.value) as Pick<Hosted, 'url' | 'tokenFile'>;
  const ask = hubReader(url, () => Promise.resolve(readFileSync(tokenFile, 'utf8')));
  const head = async () => Number((await ask('select head from hub_meta'))[0]?.[0]);
  return { url, tokenFile, head, stop };
}

/** Where its header has the number of frames of a replication log. */
const FRAME_COUNT = 40;

/** A replication log without a frame that its header counts, and nothing that says that sqld was not ended in order. */
function cutShort(folder: string): void {
  const log = join(folder, 'wallog');
  const header = readFileSync(log).subarray(0, 64);
  header.writeBigUInt64LE(1n, FRAME_COUNT);
  writeFileSync(log, header);
  rmSync(join(folder, '.sentinel'), { force: true });
}

const epochOf = (member: Member) => Number(identityOf(member)['epoch']);

it('a power cut of the hub costs nothing that it acknowledged, and what it lost is offered again', async () => {
  const random = seeded('power cuts of the hub');
  const dir = join(tempFolder(), 'hub');
  const data = join(dir, 'data');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const disk = new Disk(data, random);
  const { command, log } = await tracing();
  const port = await freePort();
  const running = await hostHub(dir, port, command);
  const options: EnableOptions = { tokenFile: running.tokenFile };

  const load = new BaseLoad(random);
  const acked: Acknowledged[] = [];
  const a = await joinHub('a', running.url, options);
  await load.begin(a);
  await a.sync();
  const b = await joinHub('b', running.url, options);
  for (let i = 0; i < 12; i++) {
    const member = random.pick([a, b]);
    await load.burst(member, 8);
    await member.sync();
    acked.push({ end: statSync(log).size, head: await running.head() });
  }
  const last = acked.at(-1)?.head ?? 0;
  // Both know how far the hub was.
  for (const member of [a, b]) await member.sync();
  const epoch = epochOf(a);
  await running.stop();
  for (const member of [a, b]) await member.store.close();
  const events = readTrace(readFileSync(log, 'latin1'), data);

  const first = events.findIndex(({ end }) => end > (acked[0]?.end ?? 0));
  const cuts = Array.from({ length: rounds(4) }, () => first + random.below(events.length - first));
  // The last one: where a disk keeps what was synced only, sqld finds less of its log than it notes.
  cuts.push(events.length);
  let done = 0;
  let lost = 0;
  for (const cut of cuts.sort((x, y) => x - y)) {
    for (const { event } of events.slice(done, cut)) disk.apply(event);
    done = cut;
    const image = join(tempFolder(), 'hub');
    cpSync(dir, image, { recursive: true, filter: (path) => !path.startsWith(data) });
    mkdirSync(join(image, 'data'), { mode: 0o700 });
    disk.image(join(image, 'data'), random);
    if (cut === events.length) cutShort(join(image, 'data', 'dbs', 'default'));
    const again = await hostHub(image, port);
    const promised =
      acked.filter(({ end }) => end <= (events[cut - 1]?.end ?? 0)).at(-1)?.head ?? 0;
    const found = await again.head();
    expect(found).toBeGreaterThanOrEqual(promised);
    if (found < last) lost++;

    const members = await Promise.all(
      [a, b].map(({ name, path }) => {
        const folder = tempFolder();
        cpSync(dirname(path), folder, { recursive: true });
        return openMember(name, join(folder, 'store.db'));
      }),
    );
    for (const { store } of members) {
      await store.sessions.create({ title: 'after the cut', workspace: '/w' });
    }
    await Promise.all(members.map((member) => member.sync()));
    const token = () => Promise.resolve(readFileSync(running.tokenFile, 'utf8'));
    await expectWhole({ load, members, url: running.url, options, token });
    for (const member of members) expect(epochOf(member)).toBe(epoch + (found < last ? 1 : 0));
    await again.stop();
    for (const member of members) await member.store.close();
  }
  expect(lost).toBeGreaterThan(0);
});
