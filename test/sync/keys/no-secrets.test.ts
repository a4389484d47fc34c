import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { StoreError } from '../../../src/errors.ts';
import { readKeyFile } from '../../../src/sync/keys/key-file.ts';
import { newKeyRing, parseKeyRing, serialiseKeyRing } from '../../../src/sync/keys/key-ring.ts';
import { lockRing, newLockKey, openRing, parseKeyCheck } from '../../../src/sync/keys/lock.ts';
import { keyToPhrase, phraseToKey } from '../../../src/sync/keys/phrase.ts';
import { sealPayload, unpackText, unsealBytes } from '../../../src/sync/seal.ts';
import { tempFolder } from '../../support/temp-store.ts';

/** The error of a call that fails, with everything that a log could print of it. */
async function shown(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError);
    return inspect(error, { depth: null, showHidden: true });
  }
  throw new Error('the call did not fail');
}

it('no error shows a key, a word of a phrase, a passphrase or a content', async () => {
  const key = Buffer.from('canary-canary-canary-canary-cana');
  const words = keyToPhrase(key).split(' ');
  const ring = newKeyRing();
  const text = serialiseKeyRing(ring);
  const check = await lockRing(ring, newLockKey());
  const byPassphrase = await lockRing(ring, { passphrase: 'another' });
  const passphrase = 'canary-passphrase';
  const entry = { table: 'tasks', id: 'id', register: 'title', version: '1' };
  const content = '{"title":"canary-content"}';
  const sealed = sealPayload(ring, entry, content).bytes;
  const clear = Buffer.concat([sealPayload(null, entry, content).bytes, Buffer.of(0xff)]);
  const file = (content: string) => {
    const path = join(tempFolder(), 'file');
    writeFileSync(path, content);
    return path;
  };
  const wrongWords = ['canary', ...words.slice(1)].join(' ');
  const swapped = [words[1], words[0], ...words.slice(2)].join(' ');

  const calls = [
    () => openRing(check, { key }),
    () => openRing(check, { key }, 1),
    () => openRing({ ...check, number: 2 }, { key }, 1),
    () => openRing(null, { key }),
    () => openRing(check, { key: key.subarray(1) }),
    () => openRing(check, { passphrase }),
    () => openRing(byPassphrase, { passphrase }),
    () => parseKeyRing(text.slice(1)),
    () => parseKeyRing(text.replace('"1"', '"x"')),
    () => parseKeyCheck(text),
    () => phraseToKey(wrongWords),
    () => phraseToKey(swapped),
    () => phraseToKey(words.slice(1).join(' ')),
    () => readKeyFile(file(wrongWords)),
    () => readKeyFile(file(key.toString('hex'))),
    () => unpackText(unsealBytes(ring, { ...entry, id: 'other' }, 1, sealed)),
    () => unpackText(unsealBytes(newKeyRing(), entry, 1, sealed)),
    () => unpackText(unsealBytes(ring, entry, 2, sealed)),
    () => unpackText(unsealBytes(ring, entry, 0, clear)),
    () => unpackText(unsealBytes(null, entry, 0, clear)),
  ];
  const keys = Object.values((JSON.parse(text) as { keys: Record<string, string> }).keys);
  for (const call of calls) {
    const printed = await shown(call);
    // The stack names this file and its lines, which hold no secret; the canaries are values.
    for (const secret of ['canary', key.toString('base64'), key.toString('hex'), ...keys]) {
      expect(printed).not.toContain(secret);
    }
    expect(printed).not.toContain(words.slice(2, 4).join(' '));
  }
});
