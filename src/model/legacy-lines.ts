/**
 * How a current version of the old program writes a line of a log, so that only what differs from
 * it must be kept beside the columns. Values are exact JSON text.
 */
export function canonicalEventLine(members: ReadonlyMap<string, string>, threadId: string): string {
  const optional = ['turn_id', 'item_id'].map((key) => {
    const value = members.get(key);
    return value === undefined ? '' : `,"${key}":${value}`;
  });
  const timestamp = members.get('timestamp') ?? '""';
  if (!isMillisecondTime(timestamp)) return '';
  return (
    `{"schema_version":2,"seq":${members.get('seq') ?? ''},"timestamp":${timestamp},` +
    `"thread_id":${JSON.stringify(threadId)}${optional.join('')},` +
    `"event":${members.get('event') ?? ''},"payload":${members.get('payload') ?? ''}}`
  );
}

/** True for a time that printing unix milliseconds gives back letter by letter. */
function isMillisecondTime(json: string): boolean {
  const text = json.slice(1, -1);
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).toISOString() === text;
}
