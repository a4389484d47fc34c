import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FileSystemError, InvalidInputError } from '../../../src/errors.ts';
import { readKeyFile, readPassphraseFile, writeKeyFile } from '../../../src/sync/keys/key-file.ts';
import { keyToPhrase } from '../../../src/sync/keys/phrase.ts';
import { tempFolder } from '../../support/temp-store.ts';

const key = Buffer.from(Array.from({ length: 32 }, (_, i) => 255 - i * 3));
const phrase = keyToPhrase(key);

function fileWith(content: string | Uint8Array, mode = 0o600): string {
  const path = join(tempFolder(), 'secret');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

function keyIn(content: string): Buffer {
  const { secret } = readKeyFile(fileWith(content));
  return Buffer.from('key' in secret ? secret.key : []);
}

describe('a key file', () => {
  it('gives back the key that was written, and is for its owner alone', () => {
    const path = join(tempFolder(), 'hub.key');
    const umask = process.umask(0o277);
    onTestFinished(() => void process.umask(umask));
    writeKeyFile(path, key);
    process.umask(umask);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { secret, openToOthers } = readKeyFile(path);
    expect(secret).toEqual({ key: new Uint8Array(key) });
    expect(openToOthers).toBe(false);
    expect(readFileSync(path, 'utf8')).toMatch(/^# .*\n([a-z]+( [a-z]+){5}\n){4}$/);
  });

  it('never replaces anything, nor writes through a link', () => {
    const folder = tempFolder();
    const path = join(folder, 'taken');
    writeFileSync(path, 'mine');
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'link'));
    expect(() => {
      writeKeyFile(path, key);
    }).toThrow(FileSystemError);
    expect(() => {
      writeKeyFile(join(folder, 'link'), key);
    }).toThrow(FileSystemError);
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(readdirSync(folder).sort()).toEqual(['link', 'taken']);
  });

  it('may hold words or base64, with comments before them, from any editor', () => {
    const contents = [
      phrase,
      `# a comment\r\n${phrase.replaceAll(' ', '\r\n')}\r\n`,
      `\u{feff}# a comment\n${phrase}\n\n`,
      key.toString('base64'),
      `# one\n# two\n${key.toString('base64url')}\n`,
    ];
    for (const content of contents) expect(keyIn(content).equals(key)).toBe(true);
  });

  it('is refused when it holds no key', () => {
    const others = ['', '# only a comment', 'canary', key.toString('hex'), phrase + ' zoo'];
    for (const content of [...others, key.toString('base64').slice(2)]) {
      const path = fileWith(content);
      expect(() => readKeyFile(path)).toThrow(InvalidInputError);
      expect(() => readKeyFile(path)).toThrow(`the key file ${path} is not one of 24 words`);
    }
    expect(() => readKeyFile(fileWith(Buffer.of(0xff, 0xfe, 0x00)))).toThrow(/is not text/);
    expect(() => readKeyFile(fileWith(' '.repeat(10_000) + phrase))).toThrow(/too large/);
  });

  it('is refused when it is a link or no file, and when it is not there', () => {
    const path = fileWith(phrase);
    const folder = tempFolder();
    symlinkSync(path, join(folder, 'link'));
    mkdirSync(join(folder, 'folder'));
    expect(() => readKeyFile(join(folder, 'link'))).toThrow(/symbolic link/);
    expect(() => readPassphraseFile(join(folder, 'link'))).toThrow(/symbolic link/);
    expect(() => readKeyFile(join(folder, 'folder'))).toThrow(/is not a file/);
    expect(() => readKeyFile(join(folder, 'none'))).toThrow(FileSystemError);
  });

  it('tells when others could have read it', () => {
    for (const mode of [0o604, 0o640, 0o620, 0o644]) {
      expect(readKeyFile(fileWith(phrase, mode)).openToOthers).toBe(true);
      expect(readPassphraseFile(fileWith('x', mode)).openToOthers).toBe(true);
    }
    expect(readKeyFile(fileWith(phrase, 0o400)).openToOthers).toBe(false);
  });
});

describe('a passphrase file', () => {
  it('gives its first line, spaces and all, without the line end', () => {
    const contents = ['# so be it ', '# so be it \n', '# so be it \r\n', '# so be it \nsecond\n'];
    for (const content of contents) {
      expect(readPassphraseFile(fileWith(content)).secret).toEqual({ passphrase: '# so be it ' });
    }
  });

  it('is refused when its first line is empty', () => {
    for (const content of ['', '\n', '\r\nsecond']) {
      expect(() => readPassphraseFile(fileWith(content))).toThrow(InvalidInputError);
    }
  });
});
