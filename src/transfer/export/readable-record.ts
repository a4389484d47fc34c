import type { Check } from '../../legacy/check/shape.ts';
import { objectMembers, parseJson, patchObject } from '../../model/json-text.ts';
import { RecordPatch } from './record-patch.ts';

/**
 * A record that the old program reads. The details of one that the library made may be anything: those
 * for which the old program would refuse it are left out, and `isCut` tells so.
 *
 * @param id - the member that every record of the old program has
 * @param make - makes the record from a body
 */
export function readableRecord(
  body: string,
  id: 'id' | 'trigger_id',
  check: Check,
  make: (body: string) => RecordPatch,
): RecordPatch {
  const record = make(body);
  const details = body.startsWith('{') ? objectMembers(body) : [];
  const isRead = (one: RecordPatch) => check(parseJson(one.result())) === undefined;
  if (details.length === 0 || details.some(({ key }) => key === id) || isRead(record))
    return record;
  const left = details.filter(
    ({ key, value }) => !isRead(make(patchObject('{}', { [key]: value }))),
  );
  const readable = make(
    patchObject(body, Object.fromEntries(left.map(({ key }) => [key, undefined]))),
  );
  readable.isCut = true;
  return readable;
}
