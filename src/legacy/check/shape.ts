import type { RejectReason } from '../kinds.ts';
import { isOddNumber, oddNumberText, oddNumbersAreMarked } from './odd-numbers.ts';
import { isTime, UNIX_MAX, UNIX_MIN } from './time.ts';

/** Why a value is refused, and where: names of fields, never content. */
export interface Refusal {
  reason: RejectReason;
  at: string;
}

/** Says why a value is refused; undefined when it is as the original reader wants it. */
export type Check = (value: unknown) => Refusal | undefined;

/** A field of an object: how it may be left out, and what it must be. */
export interface Field {
  mode: 'required' | 'optional' | 'defaulted';
  check: Check;
}

function refuse(reason: RejectReason): Refusal {
  return { reason, at: '' };
}

/** Must be there; null only where the check takes it. */
export const required = (check: Check): Field => ({ mode: 'required', check });
/** Absent and null both mean none. */
export const optional = (check: Check): Field => ({ mode: 'optional', check });
/** May be absent, but null is refused. */
export const defaulted = (check: Check): Field => ({ mode: 'defaulted', check });

export const anything: Check = () => undefined;

export const text: Check = (value) =>
  typeof value === 'string' && !isOddNumber(value) ? undefined : refuse('wrong_shape');

export const bool: Check = (value) =>
  typeof value === 'boolean' ? undefined : refuse('wrong_shape');

export const float: Check = (value) =>
  typeof value === 'number' || isOddNumber(value) ? undefined : refuse('wrong_shape');

export const time: Check = (value) => {
  if (typeof value !== 'string' || isOddNumber(value)) return refuse('wrong_shape');
  return isTime(value) ? undefined : refuse('invalid_value');
};

/** An integer spelled as one, `2.0` is none. */
function integer(min: bigint, max: bigint): Check {
  const [low, high] = [Number(min), Number(max)];
  return (value) => {
    if (typeof value === 'number') {
      if (!Number.isInteger(value)) return refuse('wrong_shape');
      return value >= low && value <= high ? undefined : refuse('invalid_value');
    }
    if (!oddNumbersAreMarked() || !isOddNumber(value)) return refuse('wrong_shape');
    const digits = oddNumberText(value);
    if (!/^-?\d+$/.test(digits)) return refuse('wrong_shape');
    const exact = BigInt(digits);
    return exact >= min && exact <= max ? undefined : refuse('invalid_value');
  };
}
export const u8 = integer(0n, 255n);
export const u32 = integer(0n, 4_294_967_295n);
export const u64 = integer(0n, 18_446_744_073_709_551_615n);
export const i32 = integer(-2_147_483_648n, 2_147_483_647n);
export const i64 = integer(-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n);

/** Unix seconds of the years 0 to 9999, which are all that can be told as a time. */
export const unixTime = integer(UNIX_MIN, UNIX_MAX);

/** A schema version that this program knows. */
export function version(max: number): Check {
  return (value) => {
    const refusal = u32(value);
    if (refusal !== undefined || !(Number(value) > max)) return refusal;
    return refuse('newer_schema');
  };
}

export function oneOf(...words: string[]): Check {
  const known = new Set<unknown>(words);
  return (value) => {
    if (known.has(value)) return undefined;
    return text(value) ?? refuse('unknown_variant');
  };
}

export function matching(pattern: RegExp, reason: RejectReason): Check {
  return (value) => text(value) ?? (pattern.test(value as string) ? undefined : refuse(reason));
}

/** An id of the session and runtime stores. Blanks around it are refused here. */
export const safeId = matching(/^[A-Za-z0-9_-]{1,255}$/, 'unsafe_id');
/** As the old program reads the id of a session: without the blanks around it. */
export function trimmed(check: Check): Check {
  return (value) => check(typeof value === 'string' ? value.trim() : value);
}

/** An id that is one plain component of a path. */
export const pathId: Check = (value) => {
  const refusal = text(value);
  if (refusal !== undefined) return refusal;
  const id = value as string;
  const plain = id !== '' && id !== '.' && id !== '..' && !/[/\\\0]/.test(id) && id.length <= 255;
  return plain ? undefined : refuse('unsafe_id');
};

export function list(element: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return refuse('wrong_shape');
    for (const one of value) {
      const refusal = element(one);
      if (refusal !== undefined) return inside('[]', refusal);
    }
    return undefined;
  };
}

export function dictionary(element: Check): Check {
  return (value) => {
    if (!isObject(value)) return refuse('wrong_shape');
    return list(element)(Object.values(value));
  };
}

/** An object with these fields; unknown ones are let through. */
export function object(fields: Record<string, Field>): Check {
  const rules = Object.entries(fields).map(([name, field]) => ({ name, ...field }));
  return (value) => {
    if (!isObject(value)) return refuse('wrong_shape');
    for (const { name, mode, check } of rules) {
      const member = value[name];
      if (member === undefined || (member === null && mode === 'optional')) {
        if (mode === 'required') return { reason: 'missing_field', at: name };
        continue;
      }
      const refusal = check(member);
      if (refusal !== undefined) return inside(name, refusal);
    }
    return undefined;
  };
}

/** As {@link object}, and refuses unknown fields. */
export function exactObject(fields: Record<string, Field>): Check {
  const names = new Set(Object.keys(fields));
  const open = object(fields);
  return (value) =>
    open(value) ??
    (Object.keys(value as object).every((name) => names.has(name))
      ? undefined
      : refuse('unknown_fields'));
}

/** An object whose field `tag` says which of the variants it is. */
export function tagged(tag: string, variants: Record<string, Check>): Check {
  const byName = new Map(Object.entries(variants));
  return (value) => {
    if (!isObject(value)) return refuse('wrong_shape');
    const name = value[tag];
    if (name === undefined) return { reason: 'missing_field', at: tag };
    const refusal = text(name);
    if (refusal !== undefined) return inside(tag, refusal);
    const variant = byName.get(name as string);
    return variant === undefined ? { reason: 'unknown_variant', at: tag } : variant(value);
  };
}

/** Both must hold. */
export function both(first: Check, second: Check): Check {
  return (value) => first(value) ?? second(value);
}

/** For a rule about a value that already has its shape. */
export function rule(holds: (value: never) => boolean, reason: RejectReason): Check {
  return (value) => (holds(value as never) ? undefined : refuse(reason));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inside(name: string, { reason, at }: Refusal): Refusal {
  const joined = at === '' || at.startsWith('[') ? name + at : `${name}.${at}`;
  return { reason, at: joined };
}
