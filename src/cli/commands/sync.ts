import { SyncKeyError, SyncOffError, type Store, type SyncStatus } from '../../index.ts';
import { storeCommand } from '../command.ts';
import { UsageError } from '../failure.ts';
import { foreignLine, formatCount } from '../format.ts';
import type { Output } from '../output.ts';
import { argument, choice, filePath, flag, value } from '../parameters.ts';
import { reportText, warnOfCopy } from './exchange-report.ts';

const MOVED =
  'this hub was empty: your group moves to it. Run "codewhale-store sync enable" with its address on your other ' +
  'devices, too: until then they exchange with the former hub, and not with this device.';

export const syncEnable = storeCommand({
  name: 'enable',
  summary: 'keep this store in step with the other machines of yours, through a hub',
  details:
    'The hub, the token and the key are checked before anything is sent. What is sent is encrypted ' +
    'unless you refuse; the first device makes the key, every other one needs it ("sync key"). ' +
    'Run again for the same hub, what is not given stays as it was.',
  example: 'sync enable https://hub.example.org --token-file hub.jwt --key-file hub.key',
  access: 'create',
  args: { url: argument('url', 'the address of the hub') },
  options: {
    tokenFile: filePath('the token for the hub, made by "hub token"'),
    keyFile: filePath('the key of your group, as "sync key" printed it'),
    passphraseFile: filePath('the passphrase of your group, in the first line'),
    noEncryption: flag('let the hub read everything'),
    name: value(
      'device',
      'what other devices call this one; default: as before, or the name of the machine',
    ),
    pull: choice('mode', 'how to read the hub; default: auto', ['auto', 'replica', 'http']),
    join: flag('leave the hub that this store was with for another one'),
  },
  async run({ store, out }, { url, noEncryption, ...options }) {
    const result = await store.sync.enable(url, {
      ...defined(options),
      ...(noEncryption ? { encryption: false } : {}),
    });
    for (const warning of result.warnings) out.warn(warning);
    if (result.moved) out.warn(MOVED);
    const { phrase } = await store.sync.exportKey();
    const shown = result.newKey ? { ...result, keyPhrase: phrase } : result;
    out.print(shown, () =>
      [
        `sync with ${result.url} is on; this device is ${foreignLine(result.deviceName)} (${result.deviceId})`,
        result.encrypted ? 'the hub sees no content' : 'not encrypted: the hub reads everything',
        ...(result.newKey && phrase !== null ? ['', ...keyText(phrase)] : []),
      ].join('\n'),
    );
    out.note('"sync now" exchanges once, "sync watch" goes on');
  },
});

export const syncDisable = storeCommand({
  name: 'disable',
  summary: 'turn sync off; everything that is here stays',
  example: 'sync disable',
  access: 'write',
  async run({ store, out }) {
    await store.sync.disable();
    out.print({ enabled: false }, () => 'sync is off');
  },
});

export const syncNow = storeCommand({
  name: 'now',
  summary: 'exchange everything with the hub once',
  example: 'sync now',
  access: 'write',
  async run({ store, out }) {
    const onProgress = ({ pushed, pulled }: { pushed: number; pulled: number }) => {
      out.progress(`sent ${formatCount(pushed, 'change')}, received ${pulled}`);
    };
    const report = await store.sync.now({ onProgress });
    out.print(report, () => reportText(report));
    warnOfCopy(out, report);
    noteParked(out, report.parked);
    noteRemoved(out, report.removed);
    noteWaiting(out, await store.sync.status());
  },
});

export const syncKey = storeCommand({
  name: 'key',
  summary: 'print the key that the next device needs, or replace it',
  details:
    'It opens everything on the hub: show it to nobody else. With --rotate a new key is made and ' +
    'everything is sealed anew with the next exchanges; the other devices need the new one.',
  example: 'sync key',
  access: ({ rotate }) => (rotate ? 'write' : 'read'),
  options: {
    rotate: flag('make a new key'),
    passphraseFile: filePath('with --rotate: lock it with the passphrase in the first line'),
  },
  async run({ store, out }, { rotate, passphraseFile }) {
    if (passphraseFile !== undefined && !rotate) {
      throw new UsageError('--passphrase-file is for a new key: give --rotate, too');
    }
    const rotated = rotate ? await store.sync.rotateKey(defined({ passphraseFile })) : undefined;
    for (const warning of rotated?.warnings ?? []) out.warn(warning);
    const key = rotated ?? (await store.sync.exportKey());
    if (!key.encrypted) await refuseWithoutKey(store);
    out.print(key, () => key.phrase ?? 'the key is locked with your passphrase');
  },
});

/** Whatever is printed ends in the file of the key. */
async function refuseWithoutKey({ sync }: Store): Promise<never> {
  if (!(await sync.status()).enabled) throw new SyncOffError('sync is off for this store');
  throw new SyncKeyError('the hub is not encrypted: there is no key');
}

function keyText(phrase: string): string[] {
  const words = phrase.split(' ');
  const lines = [0, 6, 12, 18].map((start) => `  ${words.slice(start, start + 6).join(' ')}`);
  return ['the key for your other devices; keep it where only you find it:', '', ...lines];
}

function noteParked(out: Output, parked: number): void {
  if (parked > 0)
    out.note(`${formatCount(parked, 'change')} set aside: see "codewhale-store sync parked"`);
}

function noteRemoved(out: Output, removed: number): void {
  if (removed === 0) return;
  out.warn(
    `${formatCount(removed, 'change')} on the hub could be read by nobody, and were taken off; what your ` +
      'devices have in their place is sent again. Look who has a token for the hub, and after its disk.',
  );
}

function noteWaiting(out: Output, { waitingRows }: SyncStatus): void {
  if (waitingRows === 0) return;
  out.note(
    `${formatCount(waitingRows, 'change')} of this device wait for what is set aside: see "codewhale-store sync parked"`,
  );
}

/** Without the members that are undefined: exact optional types take them amiss. */
function defined<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(options).filter(([, given]) => given !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}
