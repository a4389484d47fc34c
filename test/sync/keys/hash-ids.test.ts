import { describe, expect, it } from 'vitest';
import { hubId, hubRegister } from '../../../src/sync/keys/hash-ids.ts';
import {
  newKeyRing,
  nextKey,
  parseKeyRing,
  serialiseKeyRing,
} from '../../../src/sync/keys/key-ring.ts';

const ring = newKeyRing();

describe('ids on the hub', () => {
  it('are the ids themselves without encryption', () => {
    expect(hubId(null, 'tasks', 'task_1')).toBe('task_1');
    expect(hubRegister(null, 'messages', 'abc')).toBe('abc');
  });

  it('are 22 plain characters, and the same on every device and after a rotation', () => {
    const id = hubId(ring, 'tasks', 'task_1');
    expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    const elsewhere = nextKey(parseKeyRing(serialiseKeyRing(ring)));
    expect(hubId(elsewhere, 'tasks', 'task_1')).toBe(id);
    expect(hubRegister(elsewhere, 'messages', 'h')).toBe(hubRegister(ring, 'messages', 'h'));
  });

  it('stay as they were released, or every row would be on the hub twice', () => {
    const key = Buffer.alloc(32, 7).toString('base64');
    const fixed = parseKeyRing(JSON.stringify({ idKey: key, keys: { 1: key } }));
    expect(hubId(fixed, 'tasks', 'task_1')).toBe('X9ahY94cTGATn7ytbH0QCQ');
    expect(hubRegister(fixed, 'messages', 'abc')).toBe('XcShSPxShpD4C7icVsXlsQ');
  });

  it('differ by key, table, id, and from the registers', () => {
    const all = [
      hubId(ring, 'tasks', 'a'),
      hubId(newKeyRing(), 'tasks', 'a'),
      hubId(ring, 'tasks', 'b'),
      hubId(ring, 'task', 'sa'),
      hubRegister(ring, 'tasks', 'a'),
      hubRegister(ring, 'tasks', 'b'),
      hubRegister(newKeyRing(), 'tasks', 'a'),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
