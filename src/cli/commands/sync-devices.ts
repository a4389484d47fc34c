import { storeCommand } from '../command.ts';
import { UsageError } from '../failure.ts';
import { foreignLine } from '../format.ts';
import { optionalArgument, optionalChoice, value } from '../parameters.ts';
import { foreignColumn, textColumn, timeColumn } from '../record-columns.ts';
import type { Store } from '../../index.ts';

const ACTIONS = ['rename', 'forget', 'revoke'] as const;

export const syncDevices = storeCommand({
  name: 'devices',
  summary: 'list the devices that the hub knows; rename, forget or revoke one',
  details:
    'A device that is renamed takes the name over with its next exchange. One that is forgotten is off ' +
    'the list until it comes again. One that is revoked is refused at its next exchange; it still has a ' +
    'token and the key: also give the hub a new JWT key and run "codewhale-store sync key --rotate".',
  example: 'sync devices rename 01JZ8 laptop',
  access: 'write',
  args: {
    action: optionalChoice('action', 'what to do with a device', ACTIONS),
    id: optionalArgument('id', 'the device, or the beginning of its id'),
    name: optionalArgument('name', 'for "rename": what it is called from now on'),
  },
  options: { revoke: value('id', 'the same as "revoke ID"') },
  async run({ store, out }, { action, id, name, revoke }) {
    if (revoke !== undefined) await store.sync.revoke(revoke);
    if (action !== undefined) await change(store, action, id, name);
    const items = await store.sync.devices();
    out.printPage({ items, nextCursor: null }, [
      foreignColumn('ID', (device) => device.id),
      textColumn(
        'NAME',
        (device) => `${foreignLine(device.name)}${device.self ? ' (this one)' : ''}`,
      ),
      foreignColumn('PLATFORM', (device) => device.platform),
      timeColumn('SEEN', (device) => device.seenAt),
      timeColumn('REVOKED', (device) => device.revokedAt),
    ]);
  },
});

async function change(
  { sync }: Store,
  action: (typeof ACTIONS)[number],
  id: string | undefined,
  name: string | undefined,
): Promise<void> {
  if (id === undefined || (action === 'rename') !== (name !== undefined)) {
    const wanted = action === 'rename' ? 'ID NAME' : 'ID';
    throw new UsageError(
      `"sync devices ${action}" takes ${wanted}`,
      'See "codewhale-store sync devices --help".',
    );
  }
  if (action === 'revoke') await sync.revoke(id);
  else if (action === 'forget') await sync.forgetDevice(id);
  else await sync.renameDevice(id, name ?? '');
}
