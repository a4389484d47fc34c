import { formatTime } from './time.ts';

/**
 * How a current version of the old program writes the lines of its logs. Most imported lines are of
 * this form, so that beside the columns only the spelling of their time must be kept.
 */
export interface EventLine {
  readonly seq: string;
  /** As it is spelled. */
  readonly timestamp: string;
  readonly threadId: string;
  readonly turnId: string | null;
  readonly itemId: string | null;
  readonly event: string;
  /** Exact JSON text. */
  readonly payload: string;
}

export function eventLine(line: EventLine): string {
  return (
    `{"schema_version":2,"seq":${line.seq},"timestamp":${JSON.stringify(line.timestamp)}` +
    `,"thread_id":${JSON.stringify(line.threadId)}` +
    (line.turnId === null ? '' : `,"turn_id":${JSON.stringify(line.turnId)}`) +
    (line.itemId === null ? '' : `,"item_id":${JSON.stringify(line.itemId)}`) +
    `,"event":${JSON.stringify(line.event)},"payload":${line.payload}}`
  );
}

export function auditLine(ts: string, event: string, details: string): string {
  return `{"ts":${JSON.stringify(ts)},"event":${JSON.stringify(event)},"details":${details}}`;
}

/** How the old program's audit log spells a time that the library made. */
export function auditTime(ms: number): string {
  return formatTime(ms).replace('Z', '+00:00');
}

/**
 * What the column `legacy` holds of an imported line: nothing when the columns tell it letter by
 * letter, a JSON string when only the spelling of the time is missing, else the line itself as an
 * object without its large member.
 *
 * @param printed - how the time would be spelled from the column
 */
export function keptOfLine(
  line: { readonly raw: string; readonly canonical: string },
  time: string,
  printed: string,
  stripped: () => string,
): string | null {
  if (line.raw !== line.canonical) return stripped();
  return time === printed ? null : JSON.stringify(time);
}

/** The spelling that {@link keptOfLine} kept; undefined where it kept nothing, or the line. */
export function keptTime(legacy: string | null): string | undefined {
  return legacy?.startsWith('"') ? (JSON.parse(legacy) as string) : undefined;
}
