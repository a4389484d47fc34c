interface Value {
  readonly text: string;
  /** The line ended in a backslash: the next one belongs to the value. */
  readonly continued: boolean;
}

const HEADER = /^\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]/;
const ASSIGNMENT = /^\s*([A-Za-z][\w-]*)\s*=(.*)$/;
const NOTHING_TO_READ = /^\s*(?:[A-Za-z][\w-]*\s*)?(?:[#;].*)?$/;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  b: '\b',
  '"': '"',
  '\\': '\\',
};

/**
 * The URL that a git repository fetches from, by the text of its `config`: the one of `origin`,
 * else of the first remote. Other files that it includes are not read.
 *
 * @returns undefined where it names no remote, or where git would refuse it
 */
export function remoteUrl(config: string): string | undefined {
  const lines = config.replace(/^\uFEFF/, '').split(/\r?\n/);
  const urls = new Map<string, string>();
  let remote: string | undefined;
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i] as string;
    const header = HEADER.exec(line);
    if (header) {
      remote = remoteOf(header[1] as string, header[2]);
      line = line.slice(header[0].length);
    }
    const [, key, rest] = ASSIGNMENT.exec(line) ?? [];
    if (key === undefined || rest === undefined) {
      if (NOTHING_TO_READ.test(line)) continue;
      return undefined;
    }
    let raw = rest;
    let value = readValue(raw);
    while (value?.continued) {
      raw = raw.slice(0, -1) + (lines[++i] ?? '');
      value = readValue(raw);
    }
    if (!value) return undefined;
    if (remote === undefined || key.toLowerCase() !== 'url') continue;
    // Of several the first is fetched from; an empty one takes back what was said before.
    if (value.text === '') urls.delete(remote);
    else if (!urls.has(remote)) urls.set(remote, value.text);
  }
  return urls.get('origin') ?? urls.values().next().value;
}

/** The remote that a section is about; git still reads `[remote.origin]` too. */
function remoteOf(section: string, quoted: string | undefined): string | undefined {
  const [name = '', ...rest] = section.toLowerCase().split('.');
  if (name !== 'remote') return undefined;
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1');
  return rest.length > 0 ? rest.join('.') : undefined;
}

/** @returns undefined for an open quote or an escape that git does not know */
function readValue(raw: string): Value | undefined {
  let text = '';
  // Blanks at the end count only within quotes.
  let length = 0;
  let quoted = false;
  for (let i = 0; i < raw.length; i++) {
    const character = raw[i] as string;
    if (character === '\\') {
      if (i === raw.length - 1) return { text, continued: true };
      const escaped = ESCAPES[raw[++i] as string];
      if (escaped === undefined) return undefined;
      text += escaped;
    } else if (character === '"') {
      quoted = !quoted;
    } else if (!quoted && (character === '#' || character === ';')) {
      break;
    } else if (quoted || text !== '' || !/\s/.test(character)) {
      text += character;
      if (!quoted && /\s/.test(character)) continue;
    }
    length = text.length;
  }
  return quoted ? undefined : { text: text.slice(0, length), continued: false };
}
