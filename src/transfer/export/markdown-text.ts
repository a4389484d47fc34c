/**
 * Text as a block of code, in a fence that nothing inside can close.
 *
 * @param language - the info string, or empty
 */
export function fenced(text: string, language = ''): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

/** Folded under one line. `summary` is shown as plain text. */
export function folded(summary: string, content: string): string {
  return `<details>\n<summary>${escapeHtml(oneLine(summary))}</summary>\n\n${content}\n\n</details>`;
}

/** Text of a person or a model, itself Markdown: it may not spoil what follows it. */
export function prose(text: string): string {
  const lines: string[] = [];
  let fence = '';
  for (const line of text.replaceAll('\r\n', '\n').split('\n')) {
    const run = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1] ?? '';
    if (fence === '') {
      // Only what could open a block of HTML and swallow the rest.
      lines.push(run === '' ? line.replace(/<(?=[!?]|\/?[a-z])/gi, '&lt;') : line);
      fence = run;
      continue;
    }
    lines.push(line);
    if (run.startsWith(fence) && line.trim() === run) fence = '';
  }
  if (fence !== '') lines.push(fence);
  return lines.join('\n');
}

/** A title in one line, with nothing in it that Markdown takes for a sign. */
export function plain(text: string): string {
  return escapeHtml(oneLine(text)).replace(/[\\`*_[\]#|~]/g, '\\$&');
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
