/**
 * A JSON reader of its own for comparisons: it shares no code with the product. Numbers keep their
 * spelling, objects the order of their keys and, where a key comes twice, both.
 */
export type Json =
  | { type: 'word'; text: string }
  | { type: 'string'; value: string }
  | { type: 'list'; items: Json[] }
  | { type: 'object'; members: [string, Json][] };

const TOKEN = /\s*(?:([[\]{},:])|("(?:[^"\\]|\\.)*")|([-+.\w]+))/suy;

export function readJson(text: string): Json {
  const tokens = new Tokens(text);
  const value = readValue(tokens);
  if (!tokens.atEnd()) throw new SyntaxError('text after the value');
  return value;
}

class Tokens {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): string {
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (!match) throw new SyntaxError(`no token at ${this.#at}`);
    this.#at = TOKEN.lastIndex;
    return match[1] ?? match[2] ?? match[3] ?? '';
  }

  peek(): string {
    const at = this.#at;
    const token = this.next();
    this.#at = at;
    return token;
  }

  atEnd(): boolean {
    return this.#text.slice(this.#at).trim() === '';
  }
}

function readValue(tokens: Tokens): Json {
  const token = tokens.next();
  if (token === '[') return { type: 'list', items: readAll(tokens, ']', readValue) };
  if (token === '{') return { type: 'object', members: readAll(tokens, '}', readMember) };
  if (token.startsWith('"')) return { type: 'string', value: JSON.parse(token) as string };
  if (!/^(?:true|false|null|-?\d.*)$/.test(token)) throw new SyntaxError(`what is ${token}?`);
  return { type: 'word', text: token };
}

function readMember(tokens: Tokens): [string, Json] {
  const key = JSON.parse(tokens.next()) as string;
  if (tokens.next() !== ':') throw new SyntaxError('no colon');
  return [key, readValue(tokens)];
}

function readAll<T>(tokens: Tokens, close: string, read: (tokens: Tokens) => T): T[] {
  const all: T[] = [];
  if (tokens.peek() === close) {
    tokens.next();
    return all;
  }
  for (;;) {
    all.push(read(tokens));
    const after = tokens.next();
    if (after === close) return all;
    if (after !== ',') throw new SyntaxError(`neither comma nor ${close}`);
  }
}

/** One text per meaning: two records are equal when these are. Keys of the record itself are sorted. */
export function canonical(value: Json): string {
  if (value.type !== 'object') return print(value);
  const members = value.members.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return print({ type: 'object', members });
}

function print(value: Json): string {
  switch (value.type) {
    case 'word':
      return value.text;
    case 'string':
      return JSON.stringify(value.value);
    case 'list':
      return `[${value.items.map(print).join(',')}]`;
    case 'object': {
      const members = value.members.map(([key, item]) => `${JSON.stringify(key)}:${print(item)}`);
      return `{${members.join(',')}}`;
    }
  }
}

/** A member of an object, by a path of keys. */
export function member(value: Json, ...path: string[]): Json | undefined {
  let at: Json | undefined = value;
  for (const key of path) {
    at = at?.type === 'object' ? at.members.find(([name]) => name === key)?.[1] : undefined;
  }
  return at;
}

export function stringAt(value: Json, ...path: string[]): string | undefined {
  const found = member(value, ...path);
  return found?.type === 'string' ? found.value : undefined;
}

/** Where two canonical texts part, with a little of what stands around. */
export function firstDifference(a: string, b: string): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const around = (text: string) => text.slice(Math.max(0, at - 40), at + 40);
  return `at ${at}: …${around(a)}… against …${around(b)}…`;
}
