import { AmbiguousIdError, NotFoundError, type Store, type SyncDevice } from '../../index.ts';
import { storeCommand, type Command } from '../command.ts';
import { foreignLine, safeLine } from '../format.ts';
import { argument, flag, parseFolder, value } from '../parameters.ts';
import { formatRecord } from '../table.ts';
import { fullPath } from '../full-path.ts';

const id = argument('id', 'the task');

export const taskShow = storeCommand({
  name: 'show',
  summary: 'show all of a task',
  example: 'task show task_5e6f',
  access: 'read',
  args: { id },
  async run({ store, out }, input) {
    const task = await store.tasks.get(await store.resolveId('task', input.id));
    out.print(task, (paint) => formatRecord(task, paint));
  },
});

export const taskAdd = storeCommand({
  name: 'add',
  summary: 'queue a task',
  example: 'task add "Update the changelog" --workspace .',
  access: 'create',
  args: { prompt: argument('prompt', 'what is to be done') },
  options: {
    workspace: value('dir', 'the folder to work in (default: this one)', parseFolder),
    model: value('model', 'which model is to do it (default: auto)'),
  },
  async run({ store, out }, { prompt, workspace = fullPath('.'), model }) {
    const task = await store.tasks.create({ prompt, workspace, model });
    out.print(task, () => `${task.status} ${task.id}  ${safeLine(task.prompt)}`);
  },
});

const CHANGES = [
  ['cancel', 'cancel a task; a running one is asked to stop'],
  ['retry', 'queue a task that has ended once more'],
  ['restore', 'bring back a task that was deleted or pruned'],
] as const;

export const taskChanges: readonly Command[] = CHANGES.map(([name, summary]) =>
  storeCommand({
    name,
    summary,
    example: `task ${name} task_5e6f`,
    access: 'write',
    args: { id },
    async run({ store, out }, input) {
      const task = await store.tasks[name](await store.resolveId('task', input.id));
      out.print(task, () => `${task.status} ${task.id}  ${safeLine(task.prompt)}`);
    },
  }),
);

export const taskHandOver = storeCommand({
  name: 'hand-over',
  summary: 'let another device run a task',
  details:
    'The devices are those of "sync status": give a name, an id, or the beginning of one. Any of them may ' +
    'say so, this one may take a task to itself, too: so the work of a device that is lost goes on. One ' +
    'that is only away may have begun the task meanwhile; then both run it, and what the new owner ' +
    'says counts.',
  example: 'task hand-over task_5e6f laptop',
  access: 'write',
  args: { id, device: argument('device', 'the device that is to run it') },
  options: { lost: flag('also a running task: its device is lost and will not end it') },
  async run({ store, out }, { lost = false, ...input }) {
    const taskId = await store.resolveId('task', input.id);
    const device = await findDevice(store, input.device);
    const task = await store.tasks.handOver(taskId, device.id, { lost });
    const line = `${task.id}  ${safeLine(task.prompt)}`;
    out.print(task, () => `handed over to ${foreignLine(device.name)}: ${line}`);
  },
});

const LISTED = '"codewhale-store sync devices" lists the devices with their names and ids.';

async function findDevice({ sync }: Store, given: string): Promise<SyncDevice> {
  const { devices } = await sync.status();
  const open = devices.filter(({ revokedAt }) => revokedAt === null);
  const named = open.filter(({ name }) => name === given);
  const found = named.length > 0 ? named : open.filter(({ id }) => id.startsWith(given));
  const [device, ...others] = found;
  if (!device) throw new NotFoundError('device', given, { hint: LISTED });
  if (others.length > 0) throw new AmbiguousIdError('device', given);
  return device;
}
