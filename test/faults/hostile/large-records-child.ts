// A process that imports homes with one large record each, and appends and reads others, and tells
// for each step what it took: how much memory, and how long nothing else had a turn.
import { join } from 'node:path';
import { openDatabase } from '../../../src/db/open.ts';
import { openStore } from '../../../src/index.ts';
import { homeAt } from '../../../src/legacy/resolve-homes.ts';
import { importHomes } from '../../../src/transfer/import/import-homes.ts';
import { largeText } from './large-text.ts';
import { endSteps, step } from './measured-step.ts';

const [folder = '', script = '', megabytes = '', ...kinds] = process.argv.slice(2);
const now = Date.now;
for (const kind of kinds) {
  const path = join(folder, `${kind}.db`);
  const database = await openDatabase(path, { durability: 'full', readOnly: false }, now);
  const home = homeAt(join(folder, kind));
  const { totals } = await step(`import ${kind}`, () => importHomes(database, { now }, [home], {}));
  if (totals.imported !== 3 || totals.failed > 0) throw new Error(JSON.stringify(totals));
  await database.close();
}
const store = await openStore({ path: join(folder, 'store.db') });
const { id } = await store.runtime.createThread({ workspace: '/w' });
const text = largeText(script, Number(megabytes) << 20);
const event = { type: 'own', payload: { item: { text } } };
await step('append event', () => store.events.append(id, [event]));
const session = await store.sessions.create({ workspace: '/w' });
const message = { role: 'user', content: text };
await step('append message', () => store.sessions.appendMessages(session.id, [message]));
const { items } = await step('read message', () => store.sessions.messages(session.id));
if ((items[0]?.content as [{ text: string }])[0].text !== text) throw new Error('another text');
await store.close();
endSteps();
