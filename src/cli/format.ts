import { withoutEscapes } from '../index.ts';
import { truncateToWidth } from './display-width.ts';

/**
 * What a terminal would obey or use to mislead: control characters, and marks that turn the
 * direction of text. Stored text is not ours, so none of it reaches the screen.
 */
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text of several lines, safe to show. */
export function safeText(text: string): string {
  return withoutEscapes(text).replaceAll('\r\n', '\n').replace(UNSAFE, '\ufffd');
}

/** JSON with the same values in which a terminal finds nothing to obey. */
export function safeJson(json: string): string {
  return json.replace(UNSAFE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Text of one line, safe to show. */
export function safeLine(text: string): string {
  return safeText(text).replace(/\s+/g, ' ').trim();
}

const FOREIGN_WIDTH_MAX = 80;

/** A name or an id that another device or the hub made up: one line, and not a long one. */
export function foreignLine(text: string): string {
  return truncateToWidth(safeLine(text.slice(0, 10 * FOREIGN_WIDTH_MAX)), FOREIGN_WIDTH_MAX);
}

/** A time of the store in the local zone, to the second; empty for none. */
export function localTime(time: string | null | undefined): string {
  if (time === null || time === undefined) return '';
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return safeLine(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A size for people; below 1 KiB in bytes. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** `1 session`, `2 sessions`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

const SPANS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

/** A span of time for people, in its largest unit: `3 hours`. */
export function formatSpan(ms: number): string {
  const [noun, unit] = SPANS.find(([, unit]) => Math.abs(ms) >= unit * 0.95) ?? ['second', 1000];
  return formatCount(Math.round(Math.abs(ms) / unit), noun);
}

/** How long ago a time was: `3 hours ago`. */
export function formatAge(time: string, now = Date.now()): string {
  const ms = now - Date.parse(time);
  return ms < 1000 ? 'just now' : `${formatSpan(ms)} ago`;
}

/** `updatedAt` as `updated at`. */
export function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** A value of a record in a line, or in several where it is an object or long text. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'string') return TIME.test(value) ? localTime(value) : safeText(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return safeText(JSON.stringify(value, null, 2));
}
